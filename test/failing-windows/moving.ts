import { isDeepStrictEqual } from 'node:util'
import { replayDeadLetters } from '../../lib/app/replay.js'
import { systemClock } from '../../lib/core/clock.js'
import { memoryLog, type MemoryLog } from '../../lib/memory/memory-log.js'
import { drained } from '../../lib/runtime/drain.js'
import { Instance } from '../instances.js'
import { readRaw } from '../raw-records.js'
import { fold } from './fold.js'
import { found as foundIn, outcome, shownBy, type Found, type Outcome } from './found.js'
import { clicks, closed, Faults, kindOf, last, type Window, type WindowKind } from './program.js'
import { shuffled, type Event, type Schedule } from './schedules.js'

const app = 'windows'
const graceMs = 4_000
const backoffMs = 2
const piece = 6
const mostAtOnce = 3
const patienceMs = 15_000

/** Runs a schedule on several processes that come, go and die, until all is repaired and replayed. */
export async function moving(
  window: WindowKind,
  drawn: Schedule,
): Promise<{ readonly found: Outcome; readonly wanted: Outcome }> {
  // What hops from a partition that has nothing more to say holds windows open for seconds.
  const schedule: Schedule = { ...drawn, through: 'own' }
  const all = shuffled(schedule)
  const wanted = { out: fold(window, all).map(shownBy(schedule)).sort(), late: [], left: [] }
  const processes = new Processes(window, schedule)
  try {
    for (let at = 0; at < all.length; at += piece) {
      await processes.send(all.slice(at, at + piece))
      await processes.happen(schedule.events[(at / piece) % schedule.events.length] as Event)
    }
    await processes.send(last(all))
    const found = await processes.settled(wanted)
    return { found, wanted }
  } finally {
    await processes.close()
  }
}

class Processes {
  readonly #log: MemoryLog
  readonly #window: WindowKind
  readonly #schedule: Schedule
  readonly #faults: Faults
  readonly #living = new Set<Instance>()
  readonly #dead = new Set<Instance>()

  constructor(window: WindowKind, schedule: Schedule) {
    this.#window = window
    this.#schedule = schedule
    this.#faults = new Faults(schedule.failures)
    this.#log = memoryLog({ partitions: schedule.partitions })
  }

  async send(all: Iterable<{ user: string; at: number; id: number; deletes: boolean }>): Promise<void> {
    if (this.#living.size === 0) this.#start()
    await this.#log.send(clicks, all, { key: ({ user }) => user })
  }

  async happen(event: Event): Promise<void> {
    await this.#bury()
    const [first] = this.#living
    if ('crash' in event) await first?.kill(event.crash)
    else if ('advance' in event) this.#start()
    else if ('loseDisk' in event) await this.#stop(first)
    else if ('replay' in event) await this.#replay()
    await systemClock.sleep(3)
  }

  /** What has come out, as soon as that is what is wanted, or nothing more is to be expected. */
  async settled(wanted: Outcome): Promise<Outcome> {
    for (const instance of this.#living) instance.spare()
    await systemClock.breathe()
    await this.#bury()
    if (this.#living.size === 0) this.#start()
    this.#faults.isRepaired = true
    const until = systemClock.elapsed() + patienceMs
    for (;;) {
      for (const { failure } of this.#living) if (failure !== undefined) throw failure.error
      const [first] = this.#living
      if (first?.engine.health.ready === true) await drained(first.engine)
      const come = outcome(await this.#found(), shownBy(this.#schedule))
      if (isDeepStrictEqual(come, wanted) || systemClock.elapsed() > until) return come
      await this.#replay()
      await systemClock.sleep(5)
    }
  }

  async close(): Promise<void> {
    await this.#bury()
    for (const instance of this.#living) instance.spare()
    await Promise.all([...this.#living].map(({ engine }) => engine.stop(1_000)))
    await this.#log[Symbol.asyncDispose]()
  }

  #start(): void {
    if (this.#living.size >= mostAtOnce) return
    const objects = [kindOf(this.#window, graceMs, this.#schedule, this.#faults, backoffMs)]
    const instance = new Instance({ app, log: this.#log, objects })
    this.#living.add(instance)
    void instance.engine.start().catch((error: unknown) => (instance.failure ??= { error }))
    void instance.life.death.then(() => this.#living.delete(instance) && this.#dead.add(instance))
  }

  async #stop(instance: Instance | undefined): Promise<void> {
    if (instance === undefined || this.#living.size === 1) return
    this.#living.delete(instance)
    instance.spare()
    await instance.engine.stop(5_000)
  }

  async #bury(): Promise<void> {
    for (const instance of this.#dead) {
      this.#dead.delete(instance)
      await instance.bury()
    }
  }

  /** There may be no letters yet, and so no topic for them. */
  async #replay(): Promise<void> {
    if (await this.#isThere(`${app}-dlq`)) await replayDeadLetters({ id: app, log: this.#log })
  }

  async #found(): Promise<Found> {
    const rows = (await this.#isThere(closed.name)) ? await readRaw(this.#log, closed.name) : []
    const letters = (await this.#isThere(`${app}-dlq`)) ? await readRaw(this.#log, `${app}-dlq`) : []
    const textOf = (bytes: Uint8Array | null): string => Buffer.from(bytes ?? []).toString()
    return foundIn(
      rows.map(({ value }) => JSON.parse(textOf(value)) as Window),
      letters.map(({ value, headers }) => ({
        value: textOf(value),
        header: (name) => {
          const own = headers.find(([each]) => textOf(each) === `millrace.${name}`)
          return own && textOf(own[1])
        },
      })),
    )
  }

  async #isThere(topic: string): Promise<boolean> {
    return (await this.#log.admin.describe([topic])).has(topic)
  }
}
