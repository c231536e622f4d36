import fc from 'fast-check'
import { Instance } from '../../../test/instances.js'
import { faults } from '../../../test/refused-oracle.js'
import {
  app,
  bads,
  copies,
  counted,
  items,
  mostItems,
  out,
  program,
  refuses,
  rows,
  timed,
  type Item,
  type Wanted,
} from '../../../test/refused-program.js'
import { refusingLog } from '../../../test/refusing-log.js'
import { runs } from '../../../test/runs.js'
import { systemClock } from '../../core/clock.js'
import { memoryLog, type MemoryLog } from '../../memory/memory-log.js'
import { memoryFolder } from '../../store/memory/memory-folder.js'
import type { StoreFolder } from '../../store/store.js'
import type { CrashStep } from '../../testing/life.js'
import { drained } from '../drain.js'
import type { Engine } from '../engine.js'
import { CommittedState } from '../state-reader.js'

const steps: readonly CrashStep[] = ['turn', 'before-end', 'after-end', 'before-store']

const wanted: fc.Arbitrary<Wanted> = fc.record(
  {
    key: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
    lane: fc.constantFrom('p', 'q', 'r'),
    bad: fc.constantFrom(...bads),
    waits: fc.nat(5).map((each) => each === 0),
    fails: fc.nat(7).map((each) => each === 0),
    timer: fc.nat(3).map((each) => each === 0),
  },
  { requiredKeys: ['key', 'lane', 'waits', 'fails', 'timer'] },
)
/** One in four is bad, about. */
const some = fc
  .tuple(wanted, fc.nat(1))
  .map(([{ bad, ...rest }, keeps]) => (keeps === 0 || bad === undefined ? rest : { ...rest, bad }))

type Action =
  | { readonly send: readonly Wanted[] }
  | { readonly start: true }
  | { readonly kill: CrashStep | undefined }
  | { readonly wait: number }

const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ send: fc.array(some, { minLength: 1, maxLength: 12 }) }) },
  { weight: 2, arbitrary: fc.constant({ start: true as const }) },
  { weight: 2, arbitrary: fc.record({ kill: fc.constantFrom(undefined, ...steps) }) },
  { weight: 4, arbitrary: fc.record({ wait: fc.constantFrom(0, 1, 5, 20) }) },
)

class World {
  readonly #log: MemoryLog
  readonly #sent: Item[] = []
  readonly #free: StoreFolder[] = []
  readonly #living = new Set<Instance>()
  readonly #program: ReturnType<typeof program>
  readonly #names: boolean
  readonly #at = Date.now()

  constructor(partitions: number, route: 'auto' | 'shuffle', names: boolean) {
    this.#log = memoryLog({ partitions })
    this.#names = names
    this.#program = program(route, this.#at)
  }

  async open(): Promise<void> {
    const topics = [items, out, copies, timed, counted, rows]
    await this.#log.admin.create(
      topics.map(({ name }) => ({ name, partitions: -1, replicationFactor: -1, configs: {} })),
    )
  }

  async act(action: Action): Promise<void> {
    if ('send' in action) await this.#send(action.send)
    else if ('start' in action) this.#start()
    else if ('kill' in action) await [...this.#living][0]?.kill(action.kill)
    else await (action.wait === 0 ? systemClock.breathe() : systemClock.sleep(action.wait))
  }

  async #send(all: readonly Wanted[]): Promise<void> {
    const numbered = all
      .slice(0, mostItems - this.#sent.length)
      .map((each, i) => ({ ...each, id: this.#sent.length + i }))
    this.#sent.push(...numbered)
    await this.#log.send(items, numbered, { key: ({ lane }) => lane, timestamp: () => this.#at })
  }

  #start(): void {
    if (this.#living.size === 2) return
    const instance = new Instance({
      app,
      log: this.#log,
      ...this.#program,
      folder: this.#free.pop() ?? memoryFolder(),
      wrap: (port) => refusingLog(port, refuses, { names: this.#names }),
    })
    this.#living.add(instance)
    instance.engine.start().catch(() => undefined)
    void instance.life.death.then(async () => {
      this.#living.delete(instance)
      await instance.bury()
      this.#free.push(instance.folder)
    })
  }

  /** No more deaths: all is processed. Returns what is wrong then. */
  async settle(): Promise<readonly string[]> {
    for (const instance of this.#living) instance.spare()
    await systemClock.breathe()
    if (this.#living.size === 0) this.#start()
    const living = [...this.#living]
    await Promise.all(living.map((each) => each.heard()))
    const engines = living.map(({ engine }) => engine)
    const commits = (): number => engines.reduce((sum, { stats }) => sum + stats.commits, 0)
    for (let before = -1; commits() > before || engines.some(hasMore);) {
      before = commits()
      for (const engine of engines) {
        while (!engine.health.ready && engine.failure === undefined) await systemClock.sleep(2)
        await drained(engine)
      }
    }
    const state = new Map<string, { ids: readonly number[] }>()
    for (const engine of engines)
      for await (const [key, value] of new CommittedState(engine, this.#program.objects[0]!).entries())
        state.set(key, value as { ids: readonly number[] })
    const failed = living.flatMap(({ failure }) => (failure === undefined ? [] : [String(failure.error)]))
    return [...failed, ...(await faults(this.#log, this.#sent, state))]
  }

  async close(): Promise<void> {
    await Promise.all([...this.#living].map(({ engine }) => engine.stop(1_000)))
    await this.#log[Symbol.asyncDispose]()
  }
}

/** Whether a timer is set, or another attempt to be made: those are soon. */
function hasMore({ parts }: Engine): boolean {
  const soon = Date.now() + 10_000
  return [...parts.tasks.running.values()].some(({ agenda }) => (agenda?.lanes[0]?.schedule.next ?? Infinity) < soon)
}

describe('whatever a broker refuses', () => {
  it('each record takes effect once or is a dead letter once, and nobody is blamed for another', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 3 }),
        fc.constantFrom('auto' as const, 'shuffle' as const),
        fc.boolean(),
        fc.array(action, { minLength: 4, maxLength: 20, size: 'max' }),
        async (partitions, route, names, actions) => {
          const world = new World(partitions, route, names)
          try {
            await world.open()
            for (const each of actions) await world.act(each)
            expect(await world.settle()).toEqual([])
          } finally {
            await world.close()
          }
        },
      ),
      { numRuns: runs(12, 150) },
    )
  }, 600_000)
})
