import { setImmediate as tick } from 'node:timers/promises'
import { silentLogger } from '../core/logger.js'
import type { JoinOptions, LogPort } from '../log/port.js'
import { memoryLog, type MemoryLog } from '../memory/memory-log.js'
import { until } from '../../test/sink-lab.js'
import { OwnedPartitions, type OwnedOptions } from './owned-partitions.js'

let log: MemoryLog
beforeEach(() => {
  log = memoryLog()
})
afterEach(() => log[Symbol.asyncDispose]())

class Process {
  readonly own = new Set<string>()
  readonly owned: OwnedPartitions

  constructor(names: readonly string[], more: Partial<OwnedOptions> = {}) {
    this.owned = new OwnedPartitions({
      log,
      group: 'g',
      topic: 't',
      count: () => Promise.resolve(names.length),
      names,
      instanceId: undefined,
      sessionTimeoutMs: 10_000,
      logger: silentLogger,
      begin: (place) => {
        const name = names[place] as string
        this.own.add(name)
        return { stop: () => Promise.resolve(void this.own.delete(name)) }
      },
      onFailure: (error) => {
        throw error
      },
      ...more,
    })
  }
}

const sharesOf = (processes: readonly Process[]): string =>
  processes
    .flatMap(({ own }) => [...own])
    .sort()
    .join()

it.each([
  [
    ['a', 'b'],
    ['a', 'aa', 'b'],
  ],
  [
    ['a', 'b', 'c'],
    ['c', 'b'],
  ],
  [['a', 'b'], ['x']],
  [['a', 'b', 'c', 'd'], ['d', 'c', 'e', 'b', 'a'], ['e']],
])(
  'processes that know different partitions have each one once, where it is known: %j',
  async (...lists: readonly string[][]) => {
    const processes = lists.map((names) => new Process(names))
    const all = [...new Set(lists.flat())].sort().join()
    for (const { owned } of processes) await owned.join()
    await until(() => sharesOf(processes) === all)
    // Each goes away in turn; what only it knows goes with it.
    const [first, ...others] = processes
    await first!.owned.leave()
    const left = [...new Set(lists.slice(1).flat())].sort().join()
    await until(() => sharesOf(others) === left)
    expect(first!.own.size).toBe(0)
    for (const { owned } of others) await owned.leave()
  },
)

it('asks for a round that was wanted before it had joined', async () => {
  const assignments: number[] = []
  let join: LogPort['join'] = (options: JoinOptions) => log.join(options)
  const port = new Proxy(log, {
    get: (target, name): unknown => {
      if (name === 'join') return join
      const found: unknown = Reflect.get(target, name, target)
      return typeof found === 'function' ? (found.bind(target) as unknown) : found
    },
  })
  join = async (options) => {
    const membership = await log.join({
      ...options,
      onAssign: (generation, ...rest) => {
        assignments.push(generation.generationId)
        return options.onAssign(generation, ...rest)
      },
    })
    for (let i = 0; i < 5; i++) await tick()
    return membership
  }
  const begun: number[] = []
  const process = new Process(['a'], {
    log: port,
    begin: (place) => {
      if (begun.push(place) === 1) process.owned.rejoin('it was taken')
      return { stop: () => Promise.resolve() }
    },
  })
  await process.owned.join()
  await until(() => begun.length === 2)
  expect(assignments).toHaveLength(2)
  await process.owned.leave()
})

it('begins with nothing that is of another topic', async () => {
  let given: JoinOptions | undefined
  const port: LogPort = {
    ...(log as LogPort),
    join: async (options) => {
      given = options
      return {
        generation: { group: 'g', generationId: 1, memberId: 'm' },
        rejoin: () => undefined,
        leave: async () => undefined,
      }
    },
  }
  const begun: number[] = []
  const { owned } = new Process(['a'], {
    log: port,
    names: undefined,
    begin: (place: number) => ({ stop: async () => void begun.push(place) }),
  } as never)
  await owned.join()
  const partitions = [
    { topic: 'other', partition: 0 },
    { topic: 't', partition: 3 },
  ]
  await given?.onAssign({ group: 'g', generationId: 1, memberId: 'm' }, { partitions, told: new Uint8Array() }, false)
  expect(owned.partitions).toEqual([3])
  await given?.onAssign(
    { group: 'g', generationId: 2, memberId: 'm' },
    { partitions: [], told: Buffer.from('no list') },
    true,
  )
  expect([owned.partitions, begun]).toEqual([[], [3]])
})
