import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import { appendRaw } from '../../../test/raw-records.js'
import { text } from '../../codec/codec.js'
import { stateObject } from '../../model/state-object.js'
import { topic } from '../../model/stream.js'
import { Driver } from '../../testing/driver.js'

const lines = topic('lines', text())
const schema = z.object({ n: z.number() })
const refused = (): Error => Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:9'), { code: 'ECONNREFUSED' })

/** Throws what `make` makes, on lines that are bad. */
const kind = (make: () => unknown, isAsync = false) =>
  stateObject('line', { state: schema, init: () => ({ n: 0 }) }).on(
    lines,
    { key: () => 'k', onError: { attempts: 2, backoff: '1s' } },
    isAsync
      ? async (_state, line) => {
          await Promise.resolve()
          if (line === 'bad') throw make()
        }
      : (_state, line) => {
          if (line === 'bad') throw make()
        },
  )

const driverOf = (object: ReturnType<typeof kind>): Driver =>
  new Driver({ failures: 'expect', objects: [object], partitions: 1 })

describe('a dead letter', () => {
  it.each([false, true])('has what was thrown, with its stack and the causes (async: %p)', async (isAsync) => {
    const throwsFetchFailed = (): Error => new TypeError('fetch failed', { cause: refused() })
    await using driver = driverOf(kind(throwsFetchFailed, isAsync))
    await driver.send(lines, 'bad')
    await driver.send(lines, 'behind')
    driver.loseDisk()
    await driver.crash()
    await driver.advance('1s')
    const [letter, follower] = driver.deadLetters()
    expect(letter).toMatchObject({ code: 'HANDLER_FAILED', attempt: 2, value: 'bad' })
    expect(letter?.message).toContain('(fetch failed: connect ECONNREFUSED 127.0.0.1:9)')
    const [thrown, cause] = letter!.stack!.split('\ncaused by: ')
    expect(thrown).toMatch(/^TypeError: fetch failed\n +at throwsFetchFailed /)
    expect(cause).toMatch(/^Error: connect ECONNREFUSED 127\.0\.0\.1:9\n +at refused /)
    expect(follower).toMatchObject({ code: 'QUARANTINED', value: 'behind', stack: undefined })
  })

  it('of a record whose step threw has the stack of the step', async () => {
    const stepped = (line: string): string => {
      if (line === 'bad') throw new RangeError('no step', { cause: refused() })
      return line
    }
    const object = stateObject('line', { state: schema, init: () => ({ n: 0 }) }).on(
      lines.map(stepped),
      () => 'k',
      () => undefined,
    )
    await using driver = new Driver({ failures: 'expect', objects: [object], partitions: 1 })
    await driver.send(lines, 'bad')
    const [letter] = driver.deadLetters()
    expect(letter).toMatchObject({ code: 'STEP_FAILED', value: 'bad' })
    expect(letter?.stack).toMatch(/^RangeError: no step\n +at stepped [^]*\ncaused by: Error: connect ECONNREFUSED/)
  })

  it('keeps the headers of its record, whatever their names', async () => {
    await using driver = driverOf(kind(() => new Error('no')))
    await driver.advance('1ms')
    const headers = [
      ['traceparent', 'once'],
      ['traceparent', 'twice'],
      ['millrace.error.stack', 'not ours'],
      ['empty', null],
    ] as const
    const bytes = headers.map(([name, value]) => [Buffer.from(name), value && Buffer.from(value)] as const)
    const record = { key: null, value: Buffer.from('bad'), timestamp: Date.UTC(2026, 0, 1), headers: bytes }
    await appendRaw(driver.log, 'lines', 0, [record])
    await driver.crash()
    await driver.advance('1s')
    const [letter] = driver.deadLetters()
    expect([...letter!.headers].map(([name, value]) => [name, value && Buffer.from(value).toString()])).toEqual([
      ['traceparent', 'twice'],
      ['millrace.error.stack', 'not ours'],
      ['empty', null],
    ])
    expect(letter?.stack).toContain('Error: no')
  })

  it('leaves its stack out where the topic has no room for it, and keeps the record', async () => {
    // Compression makes it hardly smaller.
    const stack = `Error: no\n    at ${randomBytes(6_000).toString('base64')}`
    const long = (): Error => Object.assign(new Error('no'), { stack })
    await using driver = driverOf(kind(long))
    await driver.send(lines, 'good')
    await driver.log.configure('test-dlq', { 'max.message.bytes': '2000' })
    await driver.crash()
    await driver.send(lines, 'bad')
    await driver.advance('1s')
    expect(driver.deadLetters()).toMatchObject([{ code: 'HANDLER_FAILED', value: 'bad', stack: undefined }])
  })

  it.each([0, 1, 2_000, 100_000])('has a stack of at most 8,192 characters, of an error of %i', async (size) => {
    const wordy = (cause?: unknown): Error => new Error('m'.repeat(size), { cause })
    await using driver = driverOf(kind(() => wordy(wordy(wordy(new TypeError('the root'))))))
    await driver.send(lines, 'bad')
    await driver.advance('1s')
    const [letter] = driver.deadLetters()
    expect(letter?.stack?.length).toBeLessThanOrEqual(8_192)
    expect(letter?.stack).toContain('TypeError: the root')
  })
})
