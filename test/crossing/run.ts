import { systemClock } from '../../lib/core/clock.js'
import { MillraceError } from '../../lib/core/errors.js'
import { memoryLog, type MemoryLog } from '../../lib/memory/memory-log.js'
import { deadLetterTopic } from '../../lib/model/names.js'
import type { AnyStateObject } from '../../lib/model/state-object.js'
import { drained } from '../../lib/runtime/drain.js'
import { quarantined, release } from '../../lib/runtime/quarantine.js'
import type { Engine } from '../../lib/runtime/engine.js'
import { Crowd } from '../crowd.js'
import { Instance } from '../instances.js'
import { Fold } from './fold.js'
import { isThere, lateIn, readIf, rowsIn, statesIn } from './found.js'
import { alone, batches, done, kindsOf, type Batch, type Done, type World } from './program.js'
import { replayed, type Dropped, type Replay } from './replaying.js'
import type { DrawnBatch, Schedule, Step } from './schedules.js'

const app = 'crossing'
/** Of several partitions one that is silent may be left behind: with the long one nothing is late. */
const shortGraceMs = 4_000
const longGraceMs = 3_600_000
const mostAtOnce = 3
const patienceMs = 120_000
/** Longer than anything that is tried again waits. */
const restMs = 31_000
const mostRounds = 40

/** Runs a schedule until all is repaired, replayed and over; resolves to what is not as it should be. */
export async function run(schedule: Schedule): Promise<readonly string[]> {
  const processes = new Processes(schedule)
  try {
    for (const each of schedule.steps) await processes.step(each)
    return await processes.settled()
  } finally {
    await processes.close()
  }
}

class Processes {
  readonly #schedule: Schedule
  readonly #log: MemoryLog
  readonly #world: World
  readonly #graceMs: number
  readonly #kinds: readonly AnyStateObject[]
  readonly #crowd = new Crowd<Instance>()
  readonly #sent: { readonly from: 'batches' | 'alone'; readonly batch: Batch }[] = []
  #aheadMs = 0
  #latest = Date.now()
  #numbers = 0
  #isLifted: boolean
  readonly #dropped: Dropped[] = []

  constructor(schedule: Schedule) {
    this.#schedule = schedule
    const now = (): number => systemClock.now() + this.#aheadMs
    this.#log = memoryLog({ partitions: schedule.partitions, clock: { ...systemClock, now } })
    const { route, pauses, closing, quarantine } = schedule
    this.#isLifted = quarantine !== undefined
    this.#graceMs = schedule.partitions === 1 ? shortGraceMs : longGraceMs
    this.#world = { now, isBroken: true, graceMs: this.#graceMs, route, pauses, closing, quarantine }
    this.#kinds = kindsOf(this.#world)
  }

  async step(step: Step): Promise<void> {
    if (this.#crowd.living.size === 0) this.#start()
    await this.#crowd.bury()
    if ('send' in step) await this.#send(step.send)
    else if ('waitMs' in step) await systemClock.sleep(step.waitMs)
    else if ('jumpMs' in step) this.#jump(step.jumpMs)
    else if ('start' in step) this.#start()
    else if ('stop' in step) await this.#stop(this.#crowd.pick(step.stop))
    else if ('kill' in step) {
      await this.#crowd.pick(step.kill)?.kill(step.at)
      if (step.isNoticed) await this.#crowd.bury()
    } else if ('expel' in step) this.#crowd.pick(step.expel)?.expel(step.lagMs)
    else if ('loseDisk' in step) this.#crowd.loseDisk()
    else if ('replay' in step) await this.#replay(step.replay)
    else await this.#release()
  }

  async settled(): Promise<readonly string[]> {
    for (const instance of this.#crowd.living) instance.spare()
    await systemClock.breathe()
    await this.#crowd.bury()
    if (this.#crowd.living.size === 0) this.#start()
    if (this.#schedule.isOverEarly) await this.#sendLast()
    else await this.#rest()
    this.#world.isBroken = false
    if (!this.#schedule.isOverEarly) await this.#sendLast()
    const until = systemClock.elapsed() + patienceMs
    let isAgain = false
    for (let round = 0; ; round++) {
      // Objects that are not touched are to be there at the end.
      const ms = round < mostRounds ? restMs : 0
      await this.#rest(ms)
      await this.#replay()
      await this.#rest(ms)
      if (this.#schedule.expiresAtEnd && isAgain) for (let hours = 0; hours < 3; hours++) await this.#rest(3_600_000)
      const faults = await this.#faults()
      if (faults.length === 0) {
        if (isAgain) return []
        isAgain = true
      } else if (systemClock.elapsed() > until) return [...faults, ...this.#doing()]
    }
  }

  #doing(): readonly string[] {
    return [...this.#crowd.living].map(({ engine }) => JSON.stringify({ ...engine.health, ...engine.stats }))
  }

  async close(): Promise<void> {
    await this.#crowd.bury()
    for (const instance of this.#crowd.living) instance.spare()
    await Promise.all([...this.#crowd.living].map(({ engine }) => engine.stop(1_000)))
    await this.#log[Symbol.asyncDispose]()
  }

  /** What is under way ends, and then some time passes in which what waits comes due. */
  async #rest(ms = restMs): Promise<void> {
    await this.#drained(2_000)
    this.#jump(ms)
    await systemClock.sleep(5)
  }

  async #drained(mostMs: number): Promise<void> {
    for (const { failure } of this.#crowd.living) if (failure !== undefined) throw failure.error
    const [first] = this.#crowd.living
    const ended = new AbortController()
    const until = systemClock.elapsed() + mostMs
    while (first?.engine.health.state !== 'running' && systemClock.elapsed() < until) await systemClock.sleep(5)
    if (first?.engine.health.state === 'running')
      await Promise.race([drained(first.engine), systemClock.sleep(mostMs, ended.signal)])
    ended.abort()
  }

  #jump(ms: number): void {
    this.#aheadMs += ms
    for (const { engine } of this.#crowd.living) if (engine.health.state === 'running') engine.poke()
  }

  async #send(drawn: readonly DrawnBatch[]): Promise<void> {
    for (const { lane, stepMs, behindMs, items } of drawn) {
      this.#latest += stepMs
      const batch = { lane, at: this.#latest - behindMs, items: items.map((item) => ({ ...item, n: this.#numbers++ })) }
      this.#sent.push({ from: 'batches', batch }, { from: 'alone', batch })
      await this.#append([batch])
    }
  }

  /** Of other objects, much later, in all partitions: with them all windows are over. */
  async #sendLast(): Promise<void> {
    await this.#drained(patienceMs / 4)
    const at = this.#latest + this.#graceMs + 100_000
    const last = Array.from({ length: 12 }, (_, i): Batch => {
      const item = { n: this.#numbers++, key: `end ${i}`, takes: undefined, fails: 0, timer: undefined, deletes: false }
      return { lane: `end ${i}`, at, items: [item] }
    })
    this.#sent.push(...last.map((batch) => ({ from: 'batches' as const, batch })))
    await this.#log.send(batches, last, { key: ({ lane }) => lane })
  }

  async #append(all: readonly Batch[]): Promise<void> {
    await this.#log.send(batches, all, { key: ({ lane }) => lane })
    await this.#log.send(alone, all, { key: ({ lane }) => lane })
  }

  #start(): void {
    if (this.#crowd.living.size >= mostAtOnce) return
    const instance = this.#crowd.add(
      (folder) =>
        new Instance({
          app,
          log: this.#log,
          objects: this.#kinds,
          now: this.#world.now,
          folder,
          engine: this.#schedule.engine,
        }),
    )
    void instance.engine.start().catch((error: unknown) => (instance.failure ??= { error }))
  }

  async #stop(instance: Instance | undefined): Promise<void> {
    if (instance === undefined || this.#crowd.living.size === 1) return
    instance.spare()
    await this.#crowd.stop(instance, () => instance.engine.stop(5_000))
  }

  async #replay(given: Replay = { how: 'all' }): Promise<void> {
    if (await isThere(this.#log, deadLetterTopic(app))) this.#dropped.push(...(await replayed(app, this.#log, given)))
  }

  /** Every other one that is found. */
  async #release(): Promise<void> {
    // What fails has to be a letter by then.
    await this.#drained(200)
    await systemClock.sleep(10)
    // A copy: processes may die meanwhile.
    for (const { engine, life } of Array.from(this.#crowd.living)) {
      if (engine.health.state !== 'running') continue
      const lifted = this.#liftSome(engine).catch((error: unknown) => {
        if (!MillraceError.is(error, 'KEY_ELSEWHERE') && !MillraceError.is(error, 'APP_CLOSED')) throw error
      })
      const ended = new AbortController()
      await Promise.race([lifted, life.death, systemClock.sleep(2_000, ended.signal)])
      ended.abort()
    }
  }

  async #liftSome(engine: Engine): Promise<void> {
    let i = 0
    for await (const { kind, key } of quarantined(engine)) {
      if (i++ % 2 === 1) continue
      this.#isLifted = true
      await release(engine, kind, key)
    }
  }

  async #faults(): Promise<readonly string[]> {
    const running = [...this.#crowd.living]
      .map(({ engine }) => engine)
      .filter(({ health }) => health.state === 'running')
    const kept = this.#kinds.filter(({ definition }) => definition.ttlMs !== undefined)
    const late = await lateIn(this.#log, deadLetterTopic(app))
    if (!this.#isLifted && late.length > 0) return [`late: ${JSON.stringify(late)}`]
    const fold = new Fold(this.#sent, { isLifted: this.#isLifted, dropped: this.#dropped })
    for (const { value } of await readIf(this.#log, done)) fold.take(value as Done)
    return fold.end(late, await rowsIn(this.#log), await statesIn(running, kept), this.#world.now())
  }
}
