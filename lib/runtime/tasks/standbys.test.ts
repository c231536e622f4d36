import { StateMeter } from '../../core/telemetry/state-meter.js'
import { z } from 'zod'
import { listeningLogger } from '../../../test/reading.js'
import { systemClock } from '../../core/clock.js'
import { silentLogger } from '../../core/logger.js'
import { batchBuilder } from '../../log/batch-builder.js'
import { BatchRules } from '../../log/batch-rules.js'
import type { CommitChannel, Fetcher, FetcherOptions, LogAdmin, LogPort } from '../../log/port.js'
import { memoryLog, type MemoryLog } from '../../memory/memory-log.js'
import { program } from '../../model/program.js'
import { stateObject } from '../../model/state-object.js'
import { topic } from '../../model/stream.js'
import { metaKey, readMeta, type StoreMeta } from '../../state/meta.js'
import type { TaskState } from '../../state/task-state.js'
import { memoryFolder } from '../../store/memory/memory-folder.js'
import type { StoreFolder } from '../../store/store.js'
import type { EngineOptions } from '../setup/engine-options.js'
import { Standbys } from './standbys.js'
import { topology } from '../setup/topology.js'

const changelog = 'app-count-changelog'
const source = topic('numbers', z.number())
const counts = stateObject('count', { state: z.object({ n: z.number() }), init: () => ({ n: 0 }) }).on(
  source,
  () => '',
  () => undefined,
)

interface Setting {
  readonly log: MemoryLog
  readonly channel: CommitChannel
  readonly folder: StoreFolder
  readonly warnings: readonly string[]
  /** Makes the standbys of a process; `wrap` is between them and the log. */
  readonly start: (wrap?: (log: LogPort) => LogPort) => Promise<Standbys>
}

async function setting(retentionMs = 86_400_000): Promise<Setting> {
  const log = memoryLog({ partitions: 3 })
  const configs = { 'cleanup.policy': 'compact', 'delete.retention.ms': String(retentionMs) }
  const own = [{ name: changelog, partitions: 3, replicationFactor: -1, maxRecordBytes: 1_000_000, configs }]
  await log.admin.create([{ ...own[0]!, name: source.name, configs: {} }, ...own])
  const folder = memoryFolder()
  const logger = listeningLogger()
  const definition = program([counts], [])
  const lookUp = {
    maxRecordBytes: 1_000_000,
    app: 'app',
    program: definition,
    createTopics: false,
    replicationFactor: -1,
    rules: new BatchRules(),
    compression: 'gzip' as const,
    logger: silentLogger,
  }
  const start: Setting['start'] = async (wrap = (port) => port) =>
    new Standbys({
      meter: new StateMeter(),
      engine: {
        log: wrap(log),
        clock: systemClock,
        logger,
        bootId: 'b',
        guarantee: 'exactly-once',
        cacheEntries: 10,
      } as Partial<EngineOptions> as EngineOptions,
      topology: await topology({ ...lookUp, log }),
      folder,
      released: () => undefined,
      onClosed: () => undefined,
      onError: (error) => {
        throw error
      },
    })
  const channel = await log.transactions({ id: 'app:owner', timeoutMs: 60_000 })
  return { log, channel, folder, warnings: logger.warnings, start }
}

/** Appends changes of a task's objects in an open transaction; null deletes. */
async function append(channel: CommitChannel, task: number, changes: Record<string, number | null>): Promise<void> {
  await channel.begin([{ topic: changelog, partition: task }], undefined)
  const batch = batchBuilder()
  for (const [key, n] of Object.entries(changes)) batch.add(key, n === null ? null : JSON.stringify({ n }), 1)
  await channel.append({ topic: changelog, partition: task }, batch.finish())
}

async function commit(channel: CommitChannel, task: number, changes: Record<string, number | null>): Promise<void> {
  await append(channel, task, changes)
  await channel.commit()
}

async function contentOf(state: TaskState | undefined): Promise<Record<string, unknown>> {
  const found: Record<string, unknown> = {}
  for await (const [key, { n }] of (state?.tables[0]?.committedEntries({}) ?? []) as AsyncIterable<
    [string, { n: number }]
  >)
    found[key] = n
  return found
}

const stateOf = (standbys: Standbys, task: number): TaskState | undefined =>
  standbys.states.find((state) => state.task === task)

async function until(test: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 5_000
  while (!(await test())) {
    if (Date.now() > deadline) throw new Error(`it did not happen: ${test.toString()}`)
    await systemClock.sleep(2)
  }
}

/** What the store of a task says of itself, once nobody has it open. */
async function metaIn(folder: StoreFolder, task: number): Promise<StoreMeta | undefined> {
  const store = await folder.open(task, { purpose: 'live' })
  const meta = readMeta(store.get(metaKey))
  await store.close()
  return meta
}

/** A log of which following, or asking for ends, does not get through while `isAway` says so. */
function cutOff(log: LogPort, isAway: (what: 'fetcher' | 'admin') => boolean): LogPort {
  const fetcher = (options: FetcherOptions): Fetcher => {
    const real = log.fetcher(options)
    return {
      assign: (positions) => real.assign(positions),
      pause: (partition) => real.pause(partition),
      resume: (partition) => real.resume(partition),
      held: () => real.held(),
      next: async (signal) => {
        const answers = await real.next(signal)
        while (options.purpose === 'live' && isAway('fetcher')) await systemClock.sleep(2)
        return answers
      },
      [Symbol.asyncDispose]: () => Promise.resolve(real[Symbol.asyncDispose]()),
    }
  }
  const admin: Partial<LogAdmin> = {
    startOffsets: async (partitions) => {
      if (isAway('admin')) throw new Error('no broker answers')
      return log.admin.startOffsets(partitions)
    },
    endOffsets: (...args) => log.admin.endOffsets(...args),
  }
  return { ...log, fetcher, admin: admin as LogAdmin }
}

describe('a standby', () => {
  it('holds what the owner has committed, and follows it', async () => {
    const { channel, start } = await setting()
    await commit(channel, 1, { a: 1, b: 1, c: 1 })
    const standbys = await start()
    standbys.assign([1], [0])
    await until(async () => (await contentOf(stateOf(standbys, 1)))['c'] === 1)
    await commit(channel, 1, { a: 2, b: null })
    await until(async () => (await contentOf(stateOf(standbys, 1)))['a'] === 2)
    expect(await contentOf(stateOf(standbys, 1))).toEqual({ a: 2, c: 1 })
    expect(standbys.records).toBe(5)
    expect(standbys.current).toEqual([1])
    await standbys.close()
  })

  it('never holds what is not committed, and goes on behind what was aborted', async () => {
    const { channel, log, start } = await setting()
    const standbys = await start()
    standbys.assign([0, 1], [])
    await until(() => standbys.states.length === 2)
    await append(channel, 0, { a: 1 })
    const other = await log.transactions({ id: 'app:other', timeoutMs: 60_000 })
    await commit(other, 1, { z: 1 })
    await until(async () => (await contentOf(stateOf(standbys, 1)))['z'] === 1)
    expect(await contentOf(stateOf(standbys, 0))).toEqual({})
    await channel.abort()
    await commit(channel, 0, { b: 1 })
    await until(async () => (await contentOf(stateOf(standbys, 0)))['b'] === 1)
    expect(await contentOf(stateOf(standbys, 0))).toEqual({ b: 1 })
    await standbys.close()
  })

  it('is handed over as it is, and not followed any more', async () => {
    const { channel, start } = await setting()
    const standbys = await start()
    standbys.assign([0], [1, 2])
    await commit(channel, 0, { a: 1 })
    await until(async () => (await contentOf(stateOf(standbys, 0)))['a'] === 1)
    // The task is this member's own now.
    standbys.assign([], [0, 1, 2])
    const state = await standbys.handOver(0)
    expect(standbys.tasks).toEqual([])
    expect(state?.changelogOffset(changelog)).toBe(2)
    await commit(channel, 0, { a: 2 })
    standbys.assign([1], [0])
    await commit(channel, 1, { z: 1 })
    await until(async () => (await contentOf(stateOf(standbys, 1)))['z'] === 1)
    expect(await contentOf(state)).toEqual({ a: 1 })
    await state?.close()
    await standbys.close()
  })

  it('that is still being restored leaves its store to the takeover, with what it has', async () => {
    const { channel, folder, start } = await setting()
    await commit(channel, 0, { a: 1 })
    const standbys = await start()
    standbys.assign([0, 1], [])
    const [restoring, waiting] = await Promise.all([standbys.handOver(0), standbys.handOver(1)])
    expect(waiting).toBeUndefined()
    await restoring?.close()
    await (await folder.open(0, { purpose: 'live' })).close()
    await (await folder.open(1, { purpose: 'live' })).close()
    await standbys.close()
  })

  it('goes on from its store after a restart, whether it was closed or not', async () => {
    const { channel, folder, start } = await setting()
    await commit(channel, 0, { a: 1, b: 1 })
    const first = await start()
    first.assign([0], [])
    await until(() => first.records === 2)
    await first.close()
    expect(await metaIn(folder, 0)).toMatchObject({ clean: true, changelogs: { [changelog]: { offset: 3 } } })

    await commit(channel, 0, { a: 2 })
    const second = await start()
    second.assign([0], [])
    await until(() => second.records === 1)
    await commit(channel, 0, { a: 3 })
    await until(() => second.records === 2)
    // As after a kill: nothing is written at the end, and what is open goes.
    await folder.close()
    expect(await metaIn(folder, 0)).toMatchObject({ clean: false, changelogs: { [changelog]: { offset: 7 } } })
    const third = await start()
    third.assign([0], [])
    await until(() => third.states.length === 1)
    expect([third.records, await contentOf(stateOf(third, 0))]).toEqual([0, { a: 3, b: 1 }])
    await third.close()
  })

  it('grows no older while it stands at the end of its changelog, and does while the log is out of reach', async () => {
    const { channel, start } = await setting(500)
    let away = false
    const standbys = await start((log) => cutOff(log, () => away))
    await commit(channel, 0, { a: 1 })
    standbys.assign([0], [])
    await until(() => standbys.states.length === 1)
    const age = (): number => stateOf(standbys, 0)!.rolling.meta.appliedAt
    const first = age()
    await until(() => age() > first + 100)
    away = true
    await systemClock.breathe()
    const last = age()
    const deadline = Date.now() + 200
    await until(() => Date.now() > deadline)
    expect(age()).toBe(last)
    away = false
    await standbys.close()
  })

  it.each([
    ['it reads on after it was cut off', ['fetcher', 'admin']],
    ['it is looked at while it reads nothing', ['fetcher']],
  ])('that stood still for longer than tombstones are kept is restored when %s', async (_how, missing) => {
    const { channel, start, warnings } = await setting(300)
    await commit(channel, 0, { a: 1, b: 1 })
    let away = false
    const standbys = await start((log) => cutOff(log, (what) => away && missing.includes(what)))
    standbys.assign([0], [])
    await until(() => standbys.records === 2)
    away = true
    await commit(channel, 0, { b: null })
    const deadline = Date.now() + 400
    await until(() => Date.now() > deadline)
    away = false
    await until(() => standbys.records === 5)
    expect(warnings.slice(0, 2)).toEqual([
      expect.stringMatching(/standby of task 0 is opened anew: .* delete.retention.ms/),
      expect.stringMatching(/task 0: the local store is discarded .*older than delete.retention.ms/),
    ])
    expect(await contentOf(stateOf(standbys, 0))).toEqual({ a: 1 })
    await standbys.close()
  })

  it('begins anew when its changelog was truncated over its position', async () => {
    const { channel, log, start } = await setting()
    await log.admin.create([])
    const standbys = await start()
    await commit(channel, 0, { a: 1 })
    standbys.assign([0], [])
    await until(() => standbys.records === 1)
    // As when a broker lost the end of its log, which the embedded log cannot do: this standby is ahead of it.
    const state = stateOf(standbys, 0)!
    const meta = state.rolling.meta
    const ahead = { ...meta.changelogs[changelog]!, offset: 100 }
    const batch = state.rolling.store.batch()
    const wrong = { ...meta, changelogs: { [changelog]: ahead } }
    batch.put(metaKey, JSON.stringify(wrong))
    await batch.write({ sync: false })
    state.rolledForward(wrong)
    standbys.assign([0, 1], [])
    await until(() => standbys.records === 2)
    expect(await contentOf(stateOf(standbys, 0))).toEqual({ a: 1 })
    await standbys.close()
  })

  it('shares one fetcher with all others of its process', async () => {
    const { channel, log, start } = await setting()
    let fetchers = 0
    const standbys = await start((port) => ({
      ...port,
      admin: log.admin,
      fetcher: (options) => {
        if (options.purpose === 'live') fetchers++
        return port.fetcher(options)
      },
    }))
    expect(fetchers).toBe(0)
    standbys.assign([0, 1, 2], [])
    for (const task of [0, 1, 2]) await commit(channel, task, { a: task })
    await until(() => standbys.records === 3)
    expect(fetchers).toBe(1)
    await standbys.close()
  })
})
