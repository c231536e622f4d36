import { z } from 'zod'
import { json } from '../codec/json/json.js'
import { systemClock } from '../core/clock.js'
import { silentLogger } from '../core/logger.js'
import type { LogPort, TopicInfo } from '../log/port.js'
import { memoryLog } from '../memory/memory-log.js'
import { memoryFolder } from '../store/memory/memory-folder.js'
import { takeOver, type TakeOverOptions } from './take-over.js'
import type { TaskState } from './task-state.js'

const retentionMs = 1_000
const codec = json(z.object({ n: z.number() }))
const topic = 'app-word-changelog'

/** A log of which nothing is read before something else has happened. */
function reading(log: LogPort, meanwhile: () => Promise<void>): LogPort {
  return {
    kind: log.kind,
    trouble: undefined,
    admin: log.admin,
    join: (options) => log.join(options),
    fetcher: (options) => {
      const fetcher = log.fetcher(options)
      return {
        assign: (...positions) => fetcher.assign(...positions),
        next: async (signal) => {
          await meanwhile()
          return fetcher.next(signal)
        },
        pause: (at) => fetcher.pause(at),
        resume: (at) => fetcher.resume(at),
        held: () => fetcher.held(),
        [Symbol.asyncDispose]: () => fetcher[Symbol.asyncDispose](),
      }
    },
    transactions: (options) => log.transactions(options),
    idempotent: () => log.idempotent(),
    [Symbol.asyncDispose]: () => log[Symbol.asyncDispose](),
  }
}

/** A takeover of task 0 with one changelog, which has little to say. */
const quiet = (info: TopicInfo): Omit<TakeOverOptions, 'log' | 'folder'> => ({
  clock: systemClock,
  logger: silentLogger,
  bootId: 'test',
  task: 0,
  changelogs: [{ kind: { name: 'word', codec }, topic, info }],
  cacheEntries: 10,
  signal: new AbortController().signal,
  onProgress: () => undefined,
  transactional: false,
})

describe('a takeover', () => {
  it('that outlives the retention of tombstones leaves nothing in the store that passes for complete', async () => {
    const log = memoryLog({ partitions: 1 })
    const configs = { 'cleanup.policy': 'compact', 'delete.retention.ms': String(retentionMs) }
    await log.admin.create([{ name: topic, partitions: 1, replicationFactor: -1, configs }])
    const append = (...keys: string[]): Promise<unknown> =>
      log.send(
        { name: topic, codec },
        keys.map((_, n) => ({ n })),
        { key: ({ n }) => keys[n] as string },
      )
    const info = (await log.admin.describe([topic])).get(topic)!
    const folder = memoryFolder()
    /** What the clock says at each look, the last for ever. */
    const take = async (...now: number[]): Promise<{ state: TaskState; read: number }> => {
      let read = 0
      const state = await takeOver({
        ...quiet(info),
        log,
        folder,
        clock: { ...systemClock, now: () => (now.length > 1 ? (now.shift() as number) : (now[0] as number)) },
        onProgress: ({ records }) => (read = records),
      })
      return { state: state as TaskState, read }
    }
    await append('a', 'b')
    await (await take(0)).state.close()
    await append('c', 'd')

    await expect(take(500, 500, 5_000)).rejects.toMatchObject({ code: 'STORE_FAILED' })

    const { state, read } = await take(5_000)
    expect(read).toBe(4)
    await state.close()
  })

  it('begins anew when what it was to read is deleted meanwhile', async () => {
    const log = memoryLog({ partitions: 1 })
    await log.admin.create([{ name: topic, partitions: 1, replicationFactor: -1, configs: {} }])
    const append = (key: string): Promise<unknown> => log.send({ name: topic, codec }, [{ n: 1 }], { key: () => key })
    const info = (await log.admin.describe([topic])).get(topic)!
    const folder = memoryFolder()
    const take = async (meanwhile: () => Promise<void>): Promise<TaskState> => {
      const state = await takeOver({ ...quiet(info), log: reading(log, meanwhile), folder })
      return state as TaskState
    }
    await append('a')
    await (await take(async () => undefined)).close()
    await append('b')
    await append('c')
    const state = await take(() => log.admin.trim(new Map([[topic, new Map([[0, 2]])]])))
    const keys: string[] = []
    for await (const [key] of state.tables[0]!.committedEntries({})) keys.push(key)
    expect(keys).toEqual(['c'])
    await state.close()
  })
})
