import fc from 'fast-check'
import { z } from 'zod'
import { json } from '../../lib/codec/json/json.js'
import { systemClock } from '../../lib/core/clock.js'
import { MillraceError } from '../../lib/core/errors.js'
import { readToken, tokenOf, type Written } from '../../lib/log/client/commit-token.js'
import { memoryLog, type MemoryLog } from '../../lib/memory/memory-log.js'
import { stateObject, type AnyStateObject } from '../../lib/model/state-object.js'
import { topic } from '../../lib/model/stream.js'
import type { EngineOptions } from '../../lib/runtime/setup/engine-options.js'
import { crashSteps, type CrashStep } from '../../lib/testing/life.js'
import { Crowd } from '../crowd.js'
import { AskedInstance } from './asked-instance.js'

export interface Schedule {
  readonly partitions: number
  readonly engine: Partial<EngineOptions>
  readonly steps: readonly Step[]
}

export type Step =
  | { readonly send: readonly Drawn[] }
  | { readonly read: readonly { readonly by: number; readonly which: number }[] }
  | { readonly start: true }
  | { readonly stop: number }
  | { readonly kill: number; readonly at: CrashStep | undefined }
  | { readonly expel: number; readonly lagMs: number }
  | { readonly waitMs: number }

interface Drawn {
  readonly lane: number
  readonly key: number
  /** The first attempts of its turns fail. */
  readonly fails: number
}

const small = fc.nat(40)
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      send: fc.array(fc.record({ lane: fc.nat(6), key: fc.nat(5), fails: fc.constantFrom(0, 0, 0, 0, 1, 2) }), {
        minLength: 1,
        maxLength: 12,
      }),
    }),
  },
  {
    weight: 10,
    arbitrary: fc.record({ read: fc.array(fc.record({ by: small, which: small }), { minLength: 1, maxLength: 8 }) }),
  },
  { weight: 2, arbitrary: fc.constant({ start: true as const }) },
  { weight: 1, arbitrary: fc.record({ stop: small }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kill: small,
      at: fc.constantFrom(...crashSteps, undefined),
    }),
  },
  { weight: 1, arbitrary: fc.record({ expel: small, lagMs: fc.nat(30) }) },
  { weight: 2, arbitrary: fc.record({ waitMs: fc.nat(30) }) },
)

export const schedules: fc.Arbitrary<Schedule> = fc.record({
  partitions: fc.integer({ min: 1, max: 5 }),
  engine: fc.record({
    guarantee: fc.constantFrom('exactly-once' as const, 'exactly-once' as const, 'at-least-once' as const),
    commitIntervalMs: fc.constantFrom(1, 10, 60),
    standbyReplicas: fc.nat(1),
    cacheEntries: fc.constantFrom(1, 1_000),
  }),
  steps: fc.array(step, { minLength: 5, maxLength: 40 }),
})

const inputs = topic('inputs', json(z.object({ lane: z.string(), key: z.string(), id: z.number(), fails: z.number() })))
type Input = { lane: string; key: string; id: number; fails: number }

const kindsOf = (attempts: Map<string, number>): readonly AnyStateObject[] => {
  /** As often as the record says, over all instances. */
  const fail = (kind: string, { id, fails }: Input): void => {
    const tried = attempts.get(`${kind} ${id}`) ?? 0
    attempts.set(`${kind} ${id}`, tried + 1)
    if (tried < fails) throw new Error('not yet')
  }
  const kind = (name: string) => stateObject(name, { state: z.object({ n: z.number() }), init: () => ({ n: 0 }) })
  const onError = { attempts: 50, backoff: 2 } as const
  const key = (input: Input): string => input.key
  return [
    kind('sync').on(inputs, { key, onError }, (state, input) => {
      fail('sync', input)
      state.n++
    }),
    kind('slow').on(inputs, { key, onError }, async (state, input) => {
      await systemClock.sleep(input.id % 40)
      fail('slow', input)
      state.n++
    }),
    kind('shuffled').on(inputs, { key, onError, route: 'shuffle' }, (state, input) => {
      fail('shuffled', input)
      state.n++
    }),
  ]
}

const mostAtOnce = 3
/** Longer than anything that moves or waits: on the clock of instances each look costs 2 ms. */
const patienceMs = 300_000

/** Runs a schedule under queries; resolves to what was answered wrongly, and to what was not answered. */
export async function run(schedule: Schedule): Promise<readonly string[]> {
  const world = new World(schedule)
  try {
    for (const each of schedule.steps) await world.step(each)
    return await world.settled()
  } finally {
    await world.close()
  }
}

class World {
  readonly #schedule: Schedule
  readonly #log: MemoryLog
  readonly #kinds: readonly AnyStateObject[]
  readonly #crowd = new Crowd<AskedInstance>()
  readonly #sent = new Map<string, number>()
  readonly #faults: string[] = []
  readonly #reads = new Set<Promise<void>>()
  readonly #attempts = new Map<string, number>()
  /** Where each partition is written to. */
  readonly #last = new Map<number, Written>()
  #token = ''
  #ids = 0

  constructor(schedule: Schedule) {
    this.#schedule = schedule
    this.#log = memoryLog({ partitions: schedule.partitions })
    this.#kinds = kindsOf(this.#attempts)
  }

  async step(step: Step): Promise<void> {
    if (this.#crowd.living.size === 0) this.#start()
    await this.#crowd.bury()
    if ('send' in step) await this.#send(step.send)
    else if ('read' in step) for (const { by, which } of step.read) this.#read(by, which)
    else if ('start' in step) this.#start()
    else if ('waitMs' in step) await systemClock.sleep(step.waitMs)
    else if ('stop' in step) await this.#stop(this.#crowd.pick(step.stop))
    else if ('kill' in step) await this.#crowd.pick(step.kill)?.kill(step.at)
    else this.#crowd.pick(step.expel)?.expel(step.lagMs)
  }

  async settled(): Promise<readonly string[]> {
    for (const instance of this.#crowd.living) instance.spare()
    await this.#crowd.bury()
    if (this.#crowd.living.size === 0) this.#start()
    await Promise.all(this.#reads)
    for (let which = 0; which < 18; which++) this.#read(which, which)
    await Promise.all(this.#reads)
    for (const { failure } of this.#crowd.living) if (failure !== undefined) this.#faults.push(String(failure.error))
    return this.#faults
  }

  async close(): Promise<void> {
    await this.#crowd.bury()
    await Promise.all([...this.#crowd.living].map((instance) => instance.stop()))
    await this.#log[Symbol.asyncDispose]()
  }

  async #send(drawn: readonly Drawn[]): Promise<void> {
    const sent = drawn.map(({ lane, key, fails }) => ({ lane: `l${lane}`, key: `k${key}`, id: this.#ids++, fails }))
    const { token } = await this.#log.send(inputs, sent, { key: ({ lane }) => lane })
    for (const { topic: name, last } of readToken(token))
      for (const [partition, offset] of last) this.#last.set(partition, { topic: name, partition, offset })
    this.#token = tokenOf([...this.#last.values()])
    for (const { key } of sent) this.#sent.set(key, (this.#sent.get(key) ?? 0) + 1)
  }

  #read(by: number, which: number): void {
    const instance = this.#crowd.pick(by)
    if (instance === undefined || this.#token === '') return
    const kind = this.#kinds[which % 3] as AnyStateObject
    const key = `k${which % 6}`
    // What has died answers nobody, not even itself.
    const checked = Promise.race([this.#check(instance, kind, key), instance.life.death])
    const reading = checked.then(() => void this.#reads.delete(reading))
    this.#reads.add(reading)
  }

  async #check(instance: AskedInstance, kind: AnyStateObject, key: string): Promise<void> {
    const least = this.#sent.get(key) ?? 0
    const after = this.#token
    const what = `${kind.name} ${key}`
    try {
      const value = (await instance.queries.state(kind).get(key, { after, timeout: patienceMs })) as
        { n: number } | undefined
      const n = value?.n ?? 0
      if (n < least) this.#faults.push(`${what}: ${n}, and it was given a token of ${least}`)
      const most = this.#sent.get(key) ?? 0
      if (n > most && this.#schedule.engine.guarantee === 'exactly-once') this.#faults.push(`${what}: ${n} of ${most}`)
    } catch (error) {
      // Who asks has gone itself, as an own process goes.
      if (!this.#crowd.living.has(instance) || instance.failure !== undefined) return
      if (MillraceError.is(error, 'APP_CLOSED')) return
      this.#faults.push(`${what}: ${String(error)}`)
    }
  }

  #start(): void {
    if (this.#crowd.living.size >= mostAtOnce) return
    const { engine } = this.#schedule
    const instance = this.#crowd.add(
      (folder) =>
        new AskedInstance({
          app: 'asked',
          log: this.#log,
          objects: this.#kinds,
          folder,
          engine,
        }),
    )
    void instance.start().catch((error: unknown) => (instance.failure ??= { error }))
  }

  async #stop(instance: AskedInstance | undefined): Promise<void> {
    if (instance === undefined || this.#crowd.living.size === 1) return
    await this.#crowd.stop(instance, () => instance.stop())
  }
}
