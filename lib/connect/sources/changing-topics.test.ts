import { faultyLog } from '../../../test/faulty-log.js'
import { readAll } from '../../../test/reading.js'
import { arraySource, hastyClock, runnerOptions, until, untilAborted } from '../../../test/source-world.js'
import { bytes, text } from '../../codec/codec.js'
import { systemClock } from '../../core/clock.js'
import { MillraceError } from '../../core/errors.js'
import type { CommitChannel } from '../../log/port.js'
import { memoryLog, type MemoryLog } from '../../memory/memory-log.js'
import { topic } from '../../model/stream.js'
import { source } from '../definitions.js'
import type { SourceBatch, SourceConnector, SourceRecord } from '../source.js'
import { SourceRunner } from './source-runner.js'

const lines = topic('lines', text())
const letters = { name: 'app-dlq', codec: bytes() }

let log: MemoryLog
beforeEach(() => {
  log = memoryLog({ partitions: 1 })
})
afterEach(() => log[Symbol.asyncDispose]())

const running = async (
  from: SourceConnector,
  more: Parameters<typeof runnerOptions>[1] = {},
): Promise<SourceRunner> => {
  const runner = new SourceRunner(
    runnerOptions(log, { clock: hastyClock, ...more }),
    source('orders', { into: lines, from }),
  )
  await runner.start()
  return runner
}
const values = async (): Promise<unknown[]> => (await readAll(log, lines)).map(({ value }) => value)

/** Gives one batch, and the next when it is told to. */
function inTwo(first: readonly SourceRecord[], second: readonly SourceRecord[]): [SourceConnector, () => void] {
  let goOn = (): void => undefined
  const told = new Promise<void>((resolve) => (goOn = resolve))
  const all = [first, second]
  const from: SourceConnector<number> = {
    kind: 'two',
    delivery: 'replayable',
    async *open({ signal, position = 0 }) {
      for (let at = position; at < all.length; at++) {
        if (at === 1) await told
        yield { records: all[at]!, position: at + 1 }
      }
      await untilAborted(signal)
    },
  }
  return [from, goOn]
}

it('ids are still known when partitions were added to the positions', async () => {
  const rounds = [['1', '2'], ['3'], ['1', '2', '3', '4'], ['2', '4', '5']]
  for (const [round, ids] of rounds.entries()) {
    const from: SourceConnector = {
      kind: 'queue',
      delivery: 'acknowledged',
      partitions: ['alpha'],
      async *open({ signal }) {
        yield { records: ids.map((id) => ({ value: id, id })) }
        await untilAborted(signal)
      },
    }
    const runner = await running(from)
    await until(() => runner.stats.commits > 0)
    await runner.close()
    if (round === 0) await log.grow('app-orders-positions', 5)
  }
  expect((await values()).sort()).toEqual(['1', '2', '3', '4', '5'])
})

it('a process that was started before partitions were added to the positions goes on behind one that was after', async () => {
  const records = Array.from({ length: 30 }, (_, i) => ({ value: `${i}` }))
  let allowed = 10
  const before = async ({ signal }: { signal: AbortSignal }, position: number): Promise<void> => {
    while (position >= allowed && !signal.aborted) await systemClock.breathe()
    if (signal.aborted) throw new Error('it is to end')
  }
  const from = arraySource({ alpha: records }, { batch: 1, before })
  const started = [await running(from)]
  await until(() => started[0]!.stats.records === 10)
  await log.grow('app-orders-positions', 5)
  const has = (runner: SourceRunner): boolean =>
    runner.health.partitions.length > 0 && runner.health.state === 'running'
  const sum = (): number => started.reduce((all, { stats }) => all + stats.records, 0)
  // Two that have noticed take turns with one that has not been told.
  started.push(await running(from))
  allowed = 20
  await until(() => sum() >= 20)
  const owner = started.findIndex(has)
  const other = started[1 - owner]!
  await started[owner]!.close()
  allowed = 30
  await until(() => sum() >= 30)
  await other.close()
  expect(await values()).toEqual(records.map(({ value }) => value))
})

it('goes on when its topic was made anew with fewer partitions', async () => {
  const many = Array.from({ length: 40 }, (_, i) => ({ key: `k${i}`, value: `${i}` }))
  await log.admin.create([{ name: 'lines', partitions: 4, replicationFactor: -1, configs: {} }])
  const [from, goOn] = inTwo([{ value: 'old' }], many)
  const runner = await running(from)
  await until(() => runner.stats.records === 1)
  await log.deleteTopic('lines')
  await log.admin.create([{ name: 'lines', partitions: 1, replicationFactor: -1, configs: {} }])
  goOn()
  await until(() => runner.stats.records === 41 && runner.health.state === 'running')
  await runner.close()
  expect(await values()).toEqual(many.map(({ value }) => value))
})

it('writes into partitions that its topic was given while it runs', async () => {
  const many = Array.from({ length: 40 }, (_, i) => ({ key: `k${i}`, value: `${i}` }))
  const [from, goOn] = inTwo([{ value: 'old' }], many)
  let looks = 0
  const every: typeof systemClock.every = (ms, act) =>
    systemClock.every(Math.min(ms, 5), () => {
      looks++
      act()
    })
  const runner = await running(from, { clock: { ...hastyClock, every } })
  await until(() => runner.stats.records === 1)
  await log.grow('lines', 4)
  const seen = looks
  await until(() => looks > seen + 10)
  goOn()
  await until(() => runner.stats.records === 41)
  await runner.close()
  expect(new Set((await readAll(log, lines)).map(({ partition }) => partition)).size).toBe(4)
})

it.each(['app-dlq', 'app-orders-positions'])('makes %s again when it was deleted', async (name) => {
  const [from, goOn] = inTwo([{ value: 'a' }], [{ value: 'b' }, { value: 7, at: 'there' }])
  const runner = await running(from)
  await until(() => runner.stats.records === 1)
  await log.deleteTopic(name)
  goOn()
  await until(() => runner.stats.deadLetters === 1 && runner.health.state === 'running')
  await runner.close()
  // Who deletes the positions has the source begin at the beginning.
  expect(await values()).toEqual(name === 'app-dlq' ? ['a', 'b'] : ['a', 'a', 'b'])
  expect(await readAll(log, letters)).toHaveLength(1)
})

it('opens another channel where one is of no use any more', async () => {
  let left = 1
  let channels = 0
  const transactions: MemoryLog['transactions'] = async (options) => {
    const channel = await log.transactions(options)
    channels++
    let over: MillraceError | undefined
    return {
      id: channel.id,
      begin: (...args: Parameters<CommitChannel['begin']>) =>
        over === undefined ? channel.begin(...args) : Promise.reject(over),
      append: (...args: Parameters<CommitChannel['append']>) => channel.append(...args),
      offsets: (...args: Parameters<CommitChannel['offsets']>) => channel.offsets(...args),
      commit: async () => {
        if (left-- <= 0) return await channel.commit()
        await channel.abort()
        throw (over = new MillraceError('BROKER_REFUSED', 'EndTxn is refused'))
      },
      abort: () => (over === undefined ? channel.abort() : Promise.resolve()),
      [Symbol.asyncDispose]: () => channel[Symbol.asyncDispose](),
    }
  }
  const port = { ...faultyLog(log, () => undefined), transactions }
  const runner = await running(arraySource({ 0: [{ value: 'a' }, { value: 'b' }] }), { log: port })
  await until(() => runner.stats.records === 2 && runner.health.state === 'running')
  await runner.close()
  expect(channels).toBe(2)
  expect(await values()).toEqual(['a', 'b'])
})

it.each<[string, SourceBatch]>([
  ['what was written before', { records: [{ value: 'a', id: 'a' }], ack: () => undefined }],
  ['nothing', { records: [], ack: () => undefined }],
  ['what is skipped', { records: [{ value: 7 }] }],
])('a source that gives %s waits too while a commit does not end', async (_what, batch) => {
  const skipping = topic('lines', text(), { onInvalid: 'skip' })
  let isSilent = false
  let given = 0
  const from: SourceConnector = {
    kind: 'flood',
    delivery: 'acknowledged',
    async *open({ signal }) {
      yield { records: [{ value: 'a', id: 'a' }] }
      while (!isSilent) await systemClock.breathe()
      yield { records: [{ value: 'b', id: 'b' }] }
      for (; !signal.aborted && given < 60_000; given++) yield batch
      await untilAborted(signal)
    },
  }
  let reached = (): void => undefined
  const silent = new Promise<void>((resolve) => (reached = resolve))
  const port = faultyLog(log, (step) => {
    if (!isSilent || step !== 'commit') return undefined
    reached()
    return 'silence'
  })
  const runner = new SourceRunner(
    runnerOptions(log, { log: port, clock: hastyClock }),
    source('orders', { into: skipping, from }),
  )
  await runner.start()
  await until(() => runner.stats.records === 1)
  isSilent = true
  await silent
  let before = -1
  while (before !== given) {
    before = given
    for (let i = 0; i < 20; i++) await systemClock.breathe()
  }
  expect(given).toBeLessThanOrEqual(20_000)
  await runner.close()
})

it('a dead letter has room for what is too large for its topic, as it is nowhere else', async () => {
  const large = 'x'.repeat(1_500_000)
  const [from, goOn] = inTwo([{ value: 'a' }], [{ value: large, at: 'there' }])
  const runner = await running(from)
  await until(() => runner.stats.records === 1)
  await log.deleteTopic('app-dlq')
  goOn()
  await until(() => runner.stats.deadLetters === 1)
  await runner.close()
  const [letter] = await readAll(log, letters)
  expect(letter?.headers).toMatchObject({ 'millrace.error.code': 'RECORD_TOO_LARGE' })
  expect(letter?.value?.length).toBe(large.length)
})

it.each([
  ['as it is', 5_000, 5_000],
  ['made smaller', 100, 100],
  ['made larger', 9_000, 3_000],
])(
  'the window of ids is %s, and what comes again is counted where nothing else comes',
  async (_what, idWindow, known) => {
    const ids = Array.from({ length: 3_000 }, (_, i) => `${i}`)
    const giving = (given: readonly string[], window: number): SourceRunner => {
      const from: SourceConnector = {
        kind: 'queue',
        delivery: 'acknowledged',
        async *open({ signal }) {
          yield { records: given.map((id) => ({ value: id, id })) }
          await untilAborted(signal)
        },
      }
      return new SourceRunner(runnerOptions(log), source('orders', { into: lines, from, idWindow: window }))
    }
    const first = giving(ids, 5_000)
    await first.start()
    await until(() => first.stats.records === 3_000)
    await first.close()
    const last = ids.slice(-known)
    const second = giving(last, idWindow)
    await second.start()
    await until(() => second.stats.duplicates === last.length)
    await second.close()
    expect(second.stats).toMatchObject({ records: 0, commits: 0 })
    expect(await values()).toEqual(ids)
  },
)
