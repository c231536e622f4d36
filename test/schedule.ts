import fc from 'fast-check'
import { systemClock } from '../lib/core/clock.js'
import { offsetOf } from '../lib/core/record.js'
import type { NewTopic } from '../lib/log/port.js'
import { memoryLog, type MemoryLog } from '../lib/memory/memory-log.js'
import { drained } from '../lib/runtime/drain.js'
import type { Engine } from '../lib/runtime/engine.js'
import type { TaskState } from '../lib/state/task-state.js'
import type { CrashStep } from '../lib/testing/life.js'
import { Crowd } from './crowd.js'
import { Instance } from './instances.js'
import { isHeld, type Row } from '../lib/turn/kept/row.js'
import { app, copies, flows, inputs, rows, seen, Sent, stateOf, trouble, words } from './word-app.js'

type Wanted = Parameters<Sent['send']>[0]

export type Action =
  | { readonly send: Wanted; readonly times: number }
  | { readonly start: true; readonly newsMs: number }
  | { readonly stop: number }
  | { readonly kill: number; readonly at: CrashStep | undefined; readonly noticed: boolean }
  | { readonly bury: true }
  | { readonly expel: number; readonly lagMs: number }
  | { readonly loseDisk: true }
  | { readonly grow: number }
  | { readonly wait: number }

export interface Schedule {
  readonly partitions: number
  /** Of the inputs; another number than the state has, when a first start saw another. */
  readonly inputPartitions: number
  readonly cacheEntries: number
  readonly standbyReplicas: number
  /** See `trouble` of the app. */
  readonly trouble: number
  readonly actions: readonly Action[]
}

const word = fc.record({
  word: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'),
  lane: fc.constantFrom('p', 'q', 'r', 's'),
  drop: fc.nat(9).map((chance) => chance === 0),
})

const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ send: fc.array(word, { minLength: 1, maxLength: 6 }), times: fc.constantFrom(1, 1, 1, 80) }),
  },
  { weight: 3, arbitrary: fc.record({ start: fc.constant(true as const), newsMs: fc.constantFrom(0, 0, 1, 4, 15) }) },
  { weight: 1, arbitrary: fc.record({ stop: fc.nat(3) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kill: fc.nat(3),
      at: fc.constantFrom(
        undefined,
        'turn' as const,
        'before-end' as const,
        'after-end' as const,
        'before-store' as const,
      ),
      noticed: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ bury: true as const }) },
  { weight: 3, arbitrary: fc.record({ expel: fc.nat(3), lagMs: fc.constantFrom(0, 1, 5, 20) }) },
  { weight: 1, arbitrary: fc.constant({ loseDisk: true as const }) },
  { weight: 1, arbitrary: fc.record({ grow: fc.nat(3) }) },
  { weight: 6, arbitrary: fc.record({ wait: fc.constantFrom(0, 0, 0, 1, 2, 5, 15) }) },
)

export const schedules: fc.Arbitrary<Schedule> = fc.record({
  partitions: fc.integer({ min: 1, max: 4 }),
  inputPartitions: fc.integer({ min: 1, max: 4 }),
  cacheEntries: fc.constantFrom(1, 8, 1_000),
  standbyReplicas: fc.constantFrom(0, 1, 1, 2),
  trouble: fc.constantFrom(0, 0.02, 0.2),
  actions: fc.array(action, { minLength: 5, maxLength: 40, size: 'max' }),
})

const mostAtOnce = 4
const mostPartitions = 7
const patienceMs = 10_000

/** Runs a schedule until all has settled; resolves to everything that is not exact. */
export async function run(schedule: Schedule): Promise<readonly string[]> {
  const world = new World(schedule)
  try {
    await world.open()
    for (const each of schedule.actions) await world.act(each)
    return await world.settle()
  } finally {
    await world.close()
  }
}

class World {
  readonly #log: MemoryLog
  readonly #schedule: Schedule
  readonly #sent: Sent
  readonly #faults: string[] = []
  readonly #crowd = new Crowd<Instance>()
  #stopping: Promise<void>[] = []
  #inputPartitions: number

  constructor(schedule: Schedule) {
    this.#schedule = schedule
    this.#inputPartitions = schedule.inputPartitions
    trouble.share = schedule.trouble
    this.#log = memoryLog({ partitions: schedule.partitions })
    this.#sent = new Sent(this.#log)
  }

  /** With the topics of an app that has run before: its state may have another number of partitions than its input. */
  async open(): Promise<void> {
    const { partitions } = this.#schedule
    const topic = (name: string, count = partitions, configs: Record<string, string> = {}): NewTopic => ({
      name,
      partitions: count,
      replicationFactor: -1,
      configs,
    })
    const own = [
      topic(`${app}-word-changelog`, partitions, { 'cleanup.policy': 'compact' }),
      topic(`${app}-word-inbox`),
    ]
    await this.#log.admin.create([
      topic(inputs.name, this.#inputPartitions),
      topic(seen.name),
      topic(rows.name),
      topic(copies.name),
      ...own,
    ])
  }

  async act(action: Action): Promise<void> {
    if ('send' in action) await this.#send(action.send, action.times)
    else if ('start' in action) await this.#start(action.newsMs)
    else if ('stop' in action) this.#stop(this.#crowd.pick(action.stop))
    else if ('kill' in action) await this.#kill(this.#crowd.pick(action.kill), action.at, action.noticed)
    else if ('bury' in action) await this.#crowd.bury()
    else if ('expel' in action) this.#crowd.pick(action.expel)?.expel(action.lagMs)
    else if ('loseDisk' in action) this.#crowd.loseDisk()
    else if ('grow' in action) await this.#grow(this.#crowd.pick(action.grow))
    else await (action.wait === 0 ? systemClock.breathe() : systemClock.sleep(action.wait))
  }

  /** A lane is in one partition: with another number of partitions there are other lanes. */
  async #send(wanted: Wanted, times: number): Promise<void> {
    const laned = wanted.map((one) => ({ ...one, lane: `${one.lane}${this.#inputPartitions}` }))
    await this.#sent.send(Array.from({ length: times }, () => laned).flat())
  }

  /** The inputs gain a partition; at most one instance sees it soon. */
  async #grow(by: Instance | undefined): Promise<void> {
    if (this.#inputPartitions === mostPartitions) return
    await this.#log.grow(inputs.name, ++this.#inputPartitions)
    if (by?.engine.health.ready === true) void by.engine.parts.growth.look()
  }

  /** Whatever is under way ends, one instance is there, and all input is processed. */
  async settle(): Promise<readonly string[]> {
    for (const instance of this.#crowd.living) instance.spare()
    await systemClock.breathe()
    await this.#crowd.bury()
    await this.#within('stopping', Promise.all(this.#stopping))
    if (this.#crowd.living.size === 0) await this.#start()
    const [engine] = [...this.#crowd.living].map((instance) => instance.engine)
    await Promise.all([...this.#crowd.living].map((instance) => instance.heard()))
    await this.#within('draining', this.#drained())
    if (this.#faults.length > 0) return this.#faults
    await this.#within('draining again', drained(engine!))
    await this.#within('rebalancing', this.#ready())
    await this.#within('calming down', this.#calm())
    await this.#within('draining at last', drained(engine!))
    await this.#within('copying', this.#copied())
    return [
      ...(await this.#sent.faults(await stateOf([...this.#crowd.living].map(({ engine }) => engine)))),
      ...(await this.#offsets()),
      ...this.#faults,
    ]
  }

  async close(): Promise<void> {
    await this.#crowd.bury()
    await Promise.all([...this.#crowd.living].map((instance) => instance.engine.stop(1_000)))
    await this.#log[Symbol.asyncDispose]()
  }

  async #start(newsMs = 0): Promise<void> {
    if (this.#crowd.living.size >= mostAtOnce) return
    const { cacheEntries, standbyReplicas } = this.#schedule
    const engine = { cacheEntries, standbyReplicas }
    const instance = this.#crowd.add(
      (folder) =>
        new Instance({
          app,
          log: this.#log,
          objects: [words],
          flows,
          newsMs,
          folder,
          engine,
        }),
    )
    instance.engine.start().catch((error: unknown) => this.#failed(instance, error))
  }

  #failed(instance: Instance, error: unknown): void {
    if (this.#crowd.living.has(instance)) this.#faults.push(`an instance failed: ${String(error)}`)
  }

  #stop(instance: Instance | undefined): void {
    if (instance === undefined) return
    instance.spare()
    this.#stopping.push(this.#crowd.stop(instance, () => instance.engine.stop(5_000)))
  }

  async #kill(instance: Instance | undefined, at: CrashStep | undefined, noticed: boolean): Promise<void> {
    await instance?.kill(at)
    if (noticed) await this.#crowd.bury()
  }

  /** All have what the last assignment gave them, and nothing else. */
  async #ready(): Promise<void> {
    while (!this.#isShared()) await systemClock.sleep(2)
  }

  /** All tasks run, and in none of them a turn waits to be tried again. */
  async #calm(): Promise<void> {
    while (!this.#isShared() || [...this.#crowd.living].some(({ engine }) => anyHeld(engine)))
      await systemClock.sleep(2)
  }

  /** Every task runs once: a member that has not heard of the last assignment yet still runs what it had. */
  #isShared(): boolean {
    const engines = [...this.#crowd.living].map(({ engine }) => engine)
    if (engines.some(({ health }) => health.state !== 'running')) return false
    const running = engines.flatMap(({ parts }) => [...parts.tasks.running.keys()])
    return running.length === engines[0]?.parts.topology.tasks && new Set(running).size === running.length
  }

  /** By an instance that lives; another one when it dies meanwhile. */
  async #drained(): Promise<void> {
    for (const instance of this.#crowd.living) {
      while (instance.engine.health.state !== 'running' && instance.failure === undefined) await systemClock.sleep(2)
      if (instance.failure !== undefined) this.#faults.push(`an instance stopped: ${String(instance.failure.error)}`)
      else await drained(instance.engine)
    }
  }

  /** Each task comes to have as many standbys as it can have, on other instances, and they come to hold what it holds. */
  async #copied(): Promise<void> {
    const engines = [...this.#crowd.living].map(({ engine }) => engine)
    const { stateTasks } = engines[0]!.parts.topology
    const copies = Math.min(this.#schedule.standbyReplicas, engines.length - 1)
    for (const task of Array.from({ length: stateTasks }, (_, index) => index)) {
      for (;;) {
        const owned = engines.find(({ parts }) => parts.tasks.running.has(task))?.parts.tasks.running.get(task)
        const others = engines.filter(({ parts }) => parts.standbys.tasks.includes(task))
        const states = others.map(({ parts }) => parts.standbys.states.find((state) => state.task === task))
        const isApart = others.every(({ parts }) => !parts.tasks.running.has(task))
        const [wanted, ...held] = await Promise.all([owned?.state, ...states].map(contentOf))
        if (others.length === copies && isApart && held.every((content) => content === wanted)) break
        await systemClock.sleep(2)
      }
    }
  }

  async #offsets(): Promise<readonly string[]> {
    const all = [inputs.name, `${app}-word-inbox`].flatMap((topic) => {
      const count = topic === inputs.name ? this.#inputPartitions : this.#schedule.partitions
      return Array.from({ length: count }, (_, partition) => ({ topic, partition }))
    })
    const { admin } = this.#log
    const [ends, committed] = [await admin.endOffsets(all, 'all'), await admin.stableCommitted(app, all)]
    const behind = all.filter(
      ({ topic, partition }) => (offsetOf(committed, topic, partition) ?? 0) !== offsetOf(ends, topic, partition),
    )
    return behind.map(
      ({ topic, partition }) => `${topic}[${partition}] is committed up to ${offsetOf(committed, topic, partition)}`,
    )
  }

  async #within(what: string, promise: Promise<unknown>): Promise<void> {
    const ended = new AbortController()
    const late = systemClock.sleep(patienceMs, ended.signal).then(() => {
      if (!ended.signal.aborted)
        throw new Error(
          `${what} did not end; ${JSON.stringify([...this.#crowd.living].map(({ engine }) => ({ ...engine.health, ...engine.stats, ...sharesOf(engine) })))} ${this.#faults.join('; ')}`,
        )
    })
    try {
      await Promise.race([promise, late])
    } finally {
      ended.abort()
    }
  }
}

async function contentOf(state: TaskState | undefined): Promise<string | undefined> {
  await state?.flush()
  const entries: (readonly [string, unknown])[] = []
  for await (const entry of state?.tables[0]?.committedEntries({}) ?? []) entries.push(entry)
  return state === undefined ? undefined : JSON.stringify(entries)
}

function sharesOf({ parts }: Engine): object {
  const { topology, tasks, standbys } = parts
  return {
    inputs: [...topology.inputs],
    running: [...tasks.running.keys()],
    held: tasks.held,
    standbys: standbys.tasks,
    current: standbys.current,
  }
}

function anyHeld({ parts }: Engine): boolean {
  for (const { agenda, state } of parts.tasks.running.values()) {
    for (const key of state?.tables[0]?.guards.keys() ?? []) {
      const row = agenda?.row(words.name, key).state as Row | undefined
      if (row !== undefined && isHeld(row)) return true
    }
  }
  return false
}
