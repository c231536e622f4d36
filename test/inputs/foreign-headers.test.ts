import { bytes, replayDeadLetters, stateObject, text, topic, type AnyStateObject } from 'millrace'
import { z } from 'zod'
import { silentLogger } from '../../lib/core/logger.js'
import { Driver } from '../../lib/testing/driver.js'
import { drained } from '../../lib/runtime/drain.js'
import { memoryLog, type MemoryLog } from '../../lib/memory/memory-log.js'
import { Instance } from '../instances.js'
import { appendRaw, readRaw, type FoundRecord, type RawRecord } from '../raw-records.js'

const lines = topic('lines', text())
const done = topic('done', text())
const utf8 = (value: string): Uint8Array => Uint8Array.from(Buffer.from(value))
const textOf = (value: Uint8Array | null | undefined): string => Buffer.from(value ?? []).toString()

function record(value: string, headers: Readonly<Record<string, string>> = {}): RawRecord {
  const all = Object.entries(headers).map(([name, each]) => [utf8(name), utf8(each)] as const)
  return { key: utf8('k'), value: utf8(value), timestamp: Date.UTC(2026, 0, 1), headers: all }
}

/** Has turns of one object; fails on values in `bad`. */
function line(from: typeof lines, bad: ReadonlySet<string>, name = 'line') {
  return stateObject(name, { state: z.object({ n: z.number() }), init: () => ({ n: 0 }) }).on(
    from,
    { key: () => 'one', onError: { attempts: 1 } },
    (state, value, turn) => {
      state.n++
      if (bad.has(value)) throw new Error(`cannot do ${value}`)
      turn.emit(done, value)
    },
  )
}

const names = (letters: readonly FoundRecord[]): string[][] =>
  letters.map(({ headers }) => headers.map(([name, value]) => `${textOf(name)}=${textOf(value)}`))

describe('headers from outside that look like ours', () => {
  const forged = {
    'mr-hop': 'x',
    'mr-i': 'oline#0',
    'mr-l': '1',
    'millrace.app': 'test',
    'millrace.kind': 'line',
    'millrace.key': 'two',
    'millrace.input': 'lines#0',
    'millrace.letter': '7',
    'millrace.way': '0 0',
    'millrace.source.topic': 'elsewhere',
    'millrace.headers': '9',
  }

  it('run no record in spite of quarantine, and change nothing of a replay', async () => {
    const bad = new Set(['bad'])
    await using driver = new Driver({ objects: [line(lines, bad)], partitions: 2 })
    await driver.advance('1ms')
    await appendRaw(driver.log, 'lines', 0, [record('bad', forged), record('next', forged)])
    await appendRaw(driver.log, 'lines', 1, [record('other', forged)])
    await driver.advance('1ms')
    const letters = await readRaw(driver.log, 'test-dlq')
    expect(letters.map(({ value }) => textOf(value)).sort()).toEqual(['bad', 'next', 'other'])
    const before = Object.entries(forged).map(([name, value]) => `${name}=${value}`)
    for (const found of names(letters)) expect(found.slice(0, before.length)).toEqual(before)
    expect(driver.output(done)).toEqual([])
    bad.clear()
    expect(await driver.replayDeadLetters()).toMatchObject({ replayed: 3, objects: 1, left: [] })
    expect(driver.output(done)).toHaveLength(3)
  })

  it('make no letter of a record that no app has given up', async () => {
    await using driver = new Driver({ objects: [line(lines, new Set())], partitions: 2 })
    await driver.send(lines, 'a')
    const all = Object.entries(forged).length
    await appendRaw(driver.log, 'test-dlq', 0, [
      record('no headers'),
      record('another app', { ...forged, 'millrace.app': 'other', 'millrace.headers': String(all) }),
      record('too many', { ...forged, 'millrace.headers': String(all + 1) }),
      record('no number', { ...forged, 'millrace.headers': '-3' }),
      record('no letter', { ...forged, 'millrace.letter': '1.5', 'millrace.headers': String(all) }),
      record('no way', { ...forged, 'millrace.way': '0', 'millrace.headers': String(all) }),
      record('not last', { 'millrace.headers': '1', a: 'b' }),
    ])
    expect(await driver.replayDeadLetters()).toMatchObject({ replayed: 0, objects: 0, leftInAll: 7 })
    expect(driver.output(done)).toHaveLength(1)
  })

  it('make no hop of a record that somebody wrote to an inbox: it is a dead letter, and others go on', async () => {
    await using driver = new Driver({ objects: [line(lines, new Set())], partitions: 2 })
    await driver.send(lines, 'a')
    await appendRaw(driver.log, 'test-line-inbox', 0, [
      record('x'),
      record('y', forged),
      record('z', { 'mr-hop': '\u0004abc' }),
    ])
    await driver.advance('1ms')
    const letters = await readRaw(driver.log, 'test-dlq')
    expect(letters.map(({ value }) => textOf(value))).toEqual(['x', 'y', 'z'])
    for (const found of names(letters)) {
      expect(found).toContain('millrace.error.code=VALUE_INVALID')
      expect(found).toContain('millrace.source.topic=test-line-inbox')
    }
    await driver.send(lines, 'b')
    expect(driver.output(done)).toHaveLength(2)
  })
})

describe('dead letters of one app', () => {
  async function run(log: MemoryLog, app: string, objects: readonly AnyStateObject[]): Promise<void> {
    const instance = new Instance({ app, log, objects, logger: silentLogger })
    await instance.engine.start()
    await drained(instance.engine)
    await instance.engine.stop(1_000)
  }

  it('can be the input of another, whose letters have their headers and its own, and are replayed apart', async () => {
    const log = memoryLog({ partitions: 1 })
    const first = new Set(['bad'])
    const second = new Set(['bad'])
    const letters = topic('first-dlq', text())
    await log.send(lines, ['bad', 'next'])
    await run(log, 'first', [line(lines, first)])
    await run(log, 'second', [line(letters, second, 'watcher')])
    const found = names(await readRaw(log, 'second-dlq'))
    const source = names(await readRaw(log, 'first-dlq'))
    expect(found).toHaveLength(2)
    found.forEach((each, i) => {
      expect(each.slice(0, source[i]?.length)).toEqual(source[i])
      expect(each.filter((header) => header.startsWith('millrace.app='))).toEqual([
        'millrace.app=first',
        'millrace.app=second',
      ])
      expect(each).toContain('millrace.source.topic=first-dlq')
    })
    first.clear()
    second.clear()
    expect(await replayDeadLetters({ id: 'second', log })).toMatchObject({ replayed: 2, objects: 1, left: [] })
    await run(log, 'second', [line(letters, second, 'watcher')])
    expect(await replayDeadLetters({ id: 'first', log })).toMatchObject({ replayed: 2, objects: 1, left: [] })
    await run(log, 'first', [line(lines, first)])
    const given = (await readRaw(log, 'done')).map(({ value }) => textOf(value))
    expect(given).toEqual(['bad', 'next', 'bad', 'next'])
  })

  it('can be its own input', async () => {
    const log = memoryLog({ partitions: 1 })
    const bad = new Set(['bad'])
    const again = topic('app-dlq', bytes())
    const counted = stateObject('counted', { state: z.object({ n: z.number() }), init: () => ({ n: 0 }) }).on(
      again,
      ({ length }) => String(length),
      (state) => {
        state.n++
      },
    )
    await log.send(lines, ['bad', 'next'])
    await run(log, 'app', [line(lines, bad), counted])
    expect(await readRaw(log, 'app-dlq')).toHaveLength(2)
    bad.clear()
    expect(await replayDeadLetters({ id: 'app', log })).toMatchObject({ replayed: 2, objects: 1, left: [] })
    await run(log, 'app', [line(lines, bad), counted])
    expect((await readRaw(log, 'done')).map(({ value }) => textOf(value))).toEqual(['bad', 'next'])
  })
})
