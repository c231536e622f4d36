import { z } from 'zod'
import { readAll } from '../../../test/reading.js'
import { arraySource, hastyClock, runnerOptions, until } from '../../../test/source-world.js'
import { bytes, text } from '../../codec/codec.js'
import type { MillraceError } from '../../core/errors.js'
import { memoryLog, type MemoryLog } from '../../memory/memory-log.js'
import { topic, type Topic } from '../../model/stream.js'
import { source } from '../definitions.js'
import type { RunnerOptions } from '../runner.js'
import type { SourceConnector, SourceOptions, SourceRecord } from '../source.js'
import { SourceRunner } from './source-runner.js'

const lines = topic('lines', text())
const letters = topic('app-dlq', bytes())

const values = async (log: MemoryLog, of: Topic<string> = lines): Promise<unknown[]> =>
  (await readAll(log, of)).map(({ value }) => value)

function runnerOf(
  log: MemoryLog,
  from: SourceConnector<any>,
  more: Partial<RunnerOptions> = {},
  options: Partial<SourceOptions<any>> = {},
): SourceRunner {
  return new SourceRunner(
    runnerOptions(log, { clock: hastyClock, ...more }),
    source('orders', { into: lines, from, ...options } as SourceOptions<any>),
  )
}

const some = (count: number, from = 0): SourceRecord[] =>
  Array.from({ length: count }, (_, i) => ({ key: 'k', value: `line ${from + i}`, at: `file:${from + i}` }))
const lineNumbers = (count: number): string[] => Array.from({ length: count }, (_, i) => `line ${i}`)

let log: MemoryLog
beforeEach(() => {
  log = memoryLog({ partitions: 2 })
})

describe('a source that is replayable', () => {
  it('writes what it gives, and goes on behind it after a restart', async () => {
    const records = some(10)
    const first = runnerOf(log, arraySource({ 0: records }))
    await first.start()
    await until(async () => (await values(log)).length === 10)
    expect(first.health).toMatchObject({ state: 'running', guarantee: 'exactly-once', partitions: ['0'] })
    expect(first.stats).toMatchObject({ records: 10, duplicates: 0 })
    await first.close()
    expect(first.health.state).toBe('stopped')
    const second = runnerOf(log, arraySource({ 0: some(14) }))
    await second.start()
    await until(async () => (await values(log)).length >= 14)
    await second.close()
    expect(await values(log)).toEqual(lineNumbers(14))
  })

  it('shares its partitions out among processes, and nobody reads one before its last owner has ended', async () => {
    const reading = new Map<string, number>()
    const all = Object.fromEntries(['a', 'b', 'c', 'd'].map((name) => [name, some(40)]))
    const connector = arraySource(all, {
      before: async ({ partition }, at) => {
        reading.set(partition, (reading.get(partition) ?? 0) + 1)
        expect(reading.get(partition)).toBe(1)
        if (at > 20) await new Promise((resolve) => setImmediate(resolve))
        reading.set(partition, 0)
      },
    })
    const one = runnerOf(log, connector)
    const two = runnerOf(log, connector)
    await one.start()
    expect(one.health.partitions).toEqual(['a', 'b', 'c', 'd'])
    await two.start()
    await until(() => two.health.partitions.length === 2 && one.health.partitions.length === 2)
    await until(async () => (await values(log)).length >= 160)
    await one.close()
    await until(() => two.health.partitions.length === 4)
    await two.close()
    expect((await values(log)).sort()).toEqual(
      lineNumbers(40)
        .flatMap((line) => [line, line, line, line])
        .sort(),
    )
  })
})

it('records that the topic does not take become dead letters with where they came from, and the others go on', async () => {
  const orders = topic('lines', z.object({ n: z.number() }))
  const given: SourceRecord[] = [
    { key: 'a', value: { n: 1 } },
    { key: 'b', value: { n: 'one' }, at: 'orders.csv:2', headers: new Map([['own', Buffer.from('x')]]) },
    { key: 'c', bytes: Buffer.from('{"n":3}') },
    { key: 'd', bytes: Buffer.from('{'), at: 'orders.csv:4', id: 'four' },
  ]
  const acked: unknown[] = []
  const connector: SourceConnector = {
    kind: 'acking',
    delivery: 'acknowledged',
    async *open({ signal }) {
      yield { records: given, ack: (refused) => void acked.push([...refused.keys()]) }
      await hastyClock.sleep(0)
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
    },
  }
  const runner = runnerOf(log, connector, { version: 'v7' }, { into: orders })
  await runner.start()
  await until(() => acked.length > 0)
  await runner.close()
  expect(acked).toEqual([[1, 3]])
  expect((await readAll(log, orders)).map(({ value }) => value)).toEqual([{ n: 1 }, { n: 3 }])
  const dead = await readAll(log, letters)
  expect(dead.map(({ key, value }) => [key, Buffer.from(value!).toString()])).toEqual([
    ['b', '{"n":"one"}'],
    ['d', '{'],
  ])
  expect(dead[0]?.headers).toMatchObject({
    own: 'x',
    'millrace.app': 'app',
    'millrace.app.version': 'v7',
    'millrace.error.code': 'VALUE_INVALID',
    'millrace.source.name': 'orders',
    'millrace.source.part': '0',
    'millrace.source.at': 'orders.csv:2',
    'millrace.source.topic': 'lines',
  })
  expect(dead[0]?.headers['millrace.error.message']).toContain("source 'orders' (acking), orders.csv:2: ")
  expect(dead[1]?.headers['millrace.source.id']).toBe('four')
  expect(runner.stats).toMatchObject({ records: 2, deadLetters: 2 })
})

it('stops the app for a record where its topic says so, and moves no position beyond', async () => {
  const failures: unknown[] = []
  const strict = topic('lines', text(), { onInvalid: 'stop' })
  const connector = arraySource({ 0: [...some(3), { value: 7, at: 'file:3' }] })
  const runner = runnerOf(log, connector, { onFailure: (error) => failures.push(error) }, { into: strict })
  await runner.start()
  await until(() => failures.length > 0)
  await runner.close()
  expect(failures).toEqual([expect.objectContaining({ code: 'VALUE_INVALID', topic: 'lines' })])
  expect((failures[0] as MillraceError).message).toContain('file:3')
  expect(await values(log)).toEqual(lineNumbers(3))
})

it('writes a record once whose id comes again, also after a restart', async () => {
  const acked: number[] = []
  const connector = (count: number): SourceConnector => ({
    kind: 'queue',
    delivery: 'acknowledged',
    async *open({ signal }) {
      for (let from = 0; from < count; from += 2)
        yield {
          records: some(3, from).map((record) => ({ ...record, id: String(record.value) })),
          ack: () => void acked.push(from),
        }
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
    },
  })
  for (const count of [6, 12]) {
    acked.length = 0
    const runner = runnerOf(log, connector(count))
    await runner.start()
    await until(() => acked.length === count / 2)
    await runner.close()
  }
  expect(await values(log)).toEqual(lineNumbers(13))
})
