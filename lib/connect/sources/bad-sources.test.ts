import { z } from 'zod'
import { readAll } from '../../../test/reading.js'
import { hastyClock, runnerOptions, until, untilAborted } from '../../../test/source-world.js'
import { bytes, text } from '../../codec/codec.js'
import { long } from '../../codec/numbers.js'
import { memoryLog } from '../../memory/memory-log.js'
import { topic } from '../../model/stream.js'
import { refusingLog } from '../../../test/refusing-log.js'
import { source } from '../definitions.js'
import type { SourceBatch, SourceConnector, SourceOptions } from '../source.js'
import { SourceRunner } from './source-runner.js'

const lines = topic('lines', text())
const letters = topic('app-dlq', bytes())
const good: SourceBatch = { records: [{ value: 'good' }], position: 1 }
const cycle: Record<string, unknown> = {}
cycle['self'] = cycle
const revoked = (): object => {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}

/** An iterator that gives these, and then waits. */
const gives = (...results: readonly unknown[]) => ({
  [Symbol.asyncIterator]: () => {
    let at = 0
    return { next: () => (at < results.length ? Promise.resolve(results[at++]) : new Promise<never>(() => undefined)) }
  },
})
const yields = (...batches: readonly unknown[]) => gives(...batches.map((value) => ({ done: false, value })))
const throwing = (error: unknown) => () => {
  throw error
}

/** What `open` does the first time; the second time it is well. */
const bad: Readonly<Record<string, readonly [open: (signal: AbortSignal) => unknown, says: RegExp]>> = {
  'open throws': [throwing(new Error('ECONNREFUSED')), /open failed \(ECONNREFUSED\)/],
  'open throws nothing': [throwing(undefined), /open failed/],
  'open throws what cannot be looked at': [throwing(revoked()), /open failed/],
  'open gives nothing': [() => undefined, /it gave undefined; give an async iterable/],
  'open gives a promise': [() => Promise.resolve(yields(good)), /it gave a promise; give an async iterable/],
  'open gives a list': [() => [good], /it gave an array; give an async iterable/],
  'open gives what has no iterator': [() => ({ [Symbol.asyncIterator]: () => ({}) }), /its iterator has no next/],
  'next throws': [
    () => ({ [Symbol.asyncIterator]: () => ({ next: throwing(new Error('gone')) }) }),
    /reading failed \(gone\)/,
  ],
  'next rejects with nothing': [
    () => ({ [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(undefined as unknown as Error) }) }),
    /reading failed/,
  ],
  'next gives no result': [() => gives(7), /next\(\) of its iterator gave a number \(7\)/],
  'it ends': [() => gives({ done: true, value: undefined }), /it has ended, and is opened again/],
  'it ends with return throwing': [
    () => ({
      [Symbol.asyncIterator]: () => ({
        next: () => Promise.resolve({ done: true }),
        return: throwing(new Error('no')),
      }),
    }),
    /it has ended/,
  ],
  'a batch is nothing': [() => yields(undefined), /it gave undefined for a batch/],
  'a batch is a list': [() => yields([{ value: 'a' }]), /the records of its batch are undefined/],
  'a batch has no records': [() => yields({ position: 1 }), /the records of its batch are undefined/],
  'a batch has text for records': [() => yields({ records: 'abc', position: 1 }), /are a string; give an array/],
  'a batch cannot be looked at': [() => yields(revoked()), /a batch of it cannot be read/],
  'ack is no function': [() => yields({ records: [], position: 1, ack: 7 }), /ack of its batch is a number/],
  'a position is missing': [() => yields({ records: [{ value: 'a' }] }), /its batch has no position/],
  'a position is not a number': [() => yields({ records: [], position: NaN }), /it holds NaN/],
  'a position holds undefined': [() => yields({ records: [], position: [undefined] }), /it holds undefined/],
  'a position is a bigint': [() => yields({ records: [], position: 5n }), /it holds a bigint/],
  'a position is a date': [() => yields({ records: [], position: { at: new Date() } }), /an object of a class/],
  'a position is a function': [() => yields({ records: [], position: () => 1 }), /it holds a function/],
  'a position is a cycle': [() => yields({ records: [], position: cycle }), /a cycle, or more than 100 objects deep/],
  'a position is too long': [() => yields({ records: [], position: 'x'.repeat(500_001) }), /at most 500000/],
  'a position has too many bytes': [() => yields({ records: [], position: '€'.repeat(200_000) }), /600002 bytes/],
  'ack throws': [() => yields({ ...good, ack: throwing(new Error('closed')) }), /ack failed \(closed\)/],
  'ack throws nothing': [() => yields({ ...good, ack: throwing(null) }), /ack failed/],
  'ack rejects': [() => yields({ ...good, ack: () => Promise.reject(new Error('late')) }), /ack failed \(late\)/],
  'ack never ends': [() => yields({ ...good, ack: () => new Promise(() => undefined) }), /ack did not end within/],
}

describe('a connector that', () => {
  it.each(Object.entries(bad))('does wrong is opened again, after it was said why: %s', async (_what, [open, says]) => {
    const log = memoryLog({ partitions: 1 })
    const said: string[] = []
    let opened = 0
    const connector = {
      kind: 'bad',
      delivery: 'replayable',
      open: ({ signal, position }: { signal: AbortSignal; position: unknown }) => {
        if (++opened === 1) return open(signal)
        return position === undefined ? yields(good) : yields()
      },
    } as unknown as SourceConnector
    const warn = (_fields: object, message = ''): void => void said.push(message)
    const quiet = (): void => undefined
    const runner = new SourceRunner(
      runnerOptions(log, { clock: hastyClock, logger: { debug: quiet, info: quiet, warn, error: quiet } }),
      source('orders', { into: lines, from: connector }),
    )
    await runner.start()
    await until(async () => opened > 1 && runner.health.state === 'running')
    await until(async () => (await readAll(log, lines)).length > 0)
    expect(said[0]).toMatch(says)
    expect(said[0]).toContain("source 'orders' (bad)")
    expect(runner.stats.retries).toBe(1)
    await runner.close()
    expect((await readAll(log, lines)).map(({ value }) => value)).toEqual(['good'])
    expect(runner.stats.records).toBe(1)
  })
})

describe('a record that cannot be', () => {
  const typed = topic('typed', z.object({ n: z.number() }), { key: long() })
  const cases: readonly (readonly [what: string, record: unknown, code: string, says: RegExp])[] = [
    ['nothing', undefined, 'RECORD_INVALID', /it is undefined/],
    ['a text', 'line', 'RECORD_INVALID', /it is a string/],
    ['without a value', {}, 'RECORD_INVALID', /neither value nor bytes/],
    ['with both', { value: { n: 1 }, bytes: Buffer.from('{}') }, 'RECORD_INVALID', /both value and bytes/],
    ['that the schema refuses', { value: { n: 'x' } }, 'VALUE_INVALID', /n/],
    ['whose bytes are text', { bytes: '{"n":1}' }, 'RECORD_INVALID', /its bytes are a string/],
    ['whose bytes are no value', { bytes: Buffer.from('{"n":') }, 'VALUE_INVALID', /its bytes are no value of typed/],
    ['whose bytes the schema refuses', { bytes: Buffer.from('{"n":"x"}') }, 'VALUE_INVALID', /its bytes are no value/],
    [
      'that the connector could not read',
      { bytes: Buffer.from([1]), refused: 'frame too long' },
      'VALUE_INVALID',
      /frame too long/,
    ],
    [
      'that was refused without a text',
      { bytes: Buffer.from([1]), refused: Object.create(null) as object },
      'VALUE_INVALID',
      /./,
    ],
    [
      'whose refusal cannot be looked at',
      { bytes: Buffer.from([1]), refused: revoked() },
      'VALUE_INVALID',
      /something without a text/,
    ],
    ['whose refusal is an error', { bytes: Buffer.from([1]), refused: new Error('odd') }, 'VALUE_INVALID', /odd/],
    ['with a number for a key', { key: 7, value: { n: 1 } }, 'RECORD_INVALID', /the key is a number/],
    ['with a key of another format', { key: 'x', value: { n: 1 } }, 'RECORD_INVALID', /'x' is no key of format long/],
    ['with half a surrogate for a key', { key: '\ud800', value: { n: 1 } }, 'RECORD_INVALID', /half a surrogate/],
    ['with a time in text', { timestamp: '2026', value: { n: 1 } }, 'RECORD_INVALID', /the timestamp is a string/],
    ['before 1970', { timestamp: -1, value: { n: 1 } }, 'RECORD_INVALID', /the timestamp is -1/],
    ['in microseconds', { timestamp: 1.8e18, value: { n: 1 } }, 'RECORD_INVALID', /milliseconds since 1970/],
    ['with a list for headers', { headers: [1], value: { n: 1 } }, 'RECORD_INVALID', /headers are/],
    ['with an empty id', { id: '', value: { n: 1 } }, 'RECORD_INVALID', /its id is empty/],
    ['with a huge id', { id: 'x'.repeat(1_025), value: { n: 1 } }, 'RECORD_INVALID', /its id is of 1025 characters/],
    [
      'that is too large',
      { headers: { h: 'x'.repeat(1_000_000) }, value: { n: 1 } },
      'RECORD_TOO_LARGE',
      /1000000 are allowed/,
    ],
    ['that cannot be looked at', revoked(), 'RECORD_INVALID', /reading its fields/],
  ]

  it.each(cases)('is a dead letter, and the next one is written: %s', async (_what, record, code, says) => {
    const log = memoryLog({ partitions: 1 })
    const next = { key: '5', value: { n: 5 } }
    const batch = { records: [record, next], position: 1 } as SourceBatch
    const from = { kind: 'list', delivery: 'replayable', open: () => yields(batch) } as unknown as SourceConnector
    const runner = new SourceRunner(runnerOptions(log), source('orders', { into: typed, from } as SourceOptions<any>))
    await runner.start()
    await until(() => runner.stats.commits > 0)
    await runner.close()
    expect((await readAll(log, typed)).map(({ key, value }) => [key, value])).toEqual([['5', { n: 5 }]])
    const [letter] = await readAll(log, letters)
    expect(letter?.headers).toMatchObject({ 'millrace.error.code': code, 'millrace.source.name': 'orders' })
    expect(letter?.headers['millrace.error.message']).toMatch(says)
    expect(runner.stats).toMatchObject({ records: 1, deadLetters: 1, retries: 0 })
  })

  it.each([true, false])('or that a broker refuses is a dead letter (it says which: %p)', async (names) => {
    const log = memoryLog({ partitions: 2 })
    const refused: unknown[] = []
    const values = Array.from({ length: 20 }, (_, i) => (i % 7 === 3 ? `bad ${i}` : `line ${i}`))
    const batch: SourceBatch = {
      records: values.map((value) => ({ key: value, value, id: value })),
      ack: (places) => void refused.push(...places.keys()),
    }
    const from: SourceConnector = {
      kind: 'queue',
      delivery: 'acknowledged',
      async *open({ signal }) {
        yield batch
        await untilAborted(signal)
      },
    }
    const refusing = refusingLog(log, ({ value, topic: to }) => to === 'lines' && value?.startsWith('bad') === true, {
      names,
    })
    const runner = new SourceRunner(runnerOptions(log, { log: refusing }), source('orders', { into: lines, from }))
    await runner.start()
    await until(() => refused.length > 0)
    await runner.close()
    expect(refused.sort()).toEqual([10, 17, 3])
    const written = (await readAll(log, lines)).map(({ value }) => value)
    expect(written.sort()).toEqual(values.filter((value) => value.startsWith('line')).sort())
    expect((await readAll(log, letters)).map(({ value }) => Buffer.from(value!).toString()).sort()).toEqual([
      'bad 10',
      'bad 17',
      'bad 3',
    ])
  })
})
