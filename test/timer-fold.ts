import { z } from 'zod'
import { stateObject, type AnyStateObject } from '../lib/model/state-object.js'
import { topic } from '../lib/model/stream.js'
import { tumbling, type Window } from '../lib/model/window.js'
import type { Turn } from '../lib/model/turn.js'

export const start = Date.UTC(2026, 0, 1)
export const windowMs = 1_000

const act = z.object({
  what: z.enum(['set', 'cancel', 'delete']),
  id: z.string().optional(),
  inMs: z.number(),
  isLong: z.boolean(),
  fails: z.number(),
  waits: z.boolean(),
})
export type Act = z.infer<typeof act>

const command = z.object({
  key: z.string(),
  n: z.number(),
  at: z.number(),
  acts: act.array(),
  /** How often its turn fails before it succeeds; below zero: as long as the world is broken. */
  fails: z.number(),
  waits: z.boolean(),
})
export type Command = z.infer<typeof command>

/** What a timer carries: which command has set it, as which of its acts. */
const carried = z.object({ n: z.number(), index: z.number(), fails: z.number(), waits: z.boolean(), text: z.string() })

/** What a turn says that has succeeded: the command it is of, or the timer; how many turns its object has had since it was made. */
const turnDone = z.object({
  object: z.string(),
  n: z.number(),
  index: z.number().optional(),
  place: z.number(),
})
export type Done = z.infer<typeof turnDone>

export const commands = topic('commands', command, { timestamp: ({ at }) => at })
export const done = topic('done', turnDone)

export interface World {
  broken: boolean
  readonly route: 'auto' | 'shuffle'
}

interface Counted {
  turns: number
}

/** Objects of which each command sets, moves and takes back timers; one kind without windows, one with. */
export function program(world: World): readonly [AnyStateObject, AnyStateObject] {
  return [kind('plain', undefined), kind('windowed', tumbling(windowMs, { grace: '1d' }))]

  function kind(name: string, window: Window<Counted> | undefined): AnyStateObject {
    const failed = new Map<string, number>()
    const fails = (what: string, times: number): boolean => {
      if (times < 0) return world.broken
      const count = failed.get(what) ?? 0
      failed.set(what, count + 1)
      return count < times
    }
    const finish = (waits: boolean, what: string, times: number, act: () => void): void | Promise<void> => {
      const end = (): void => {
        act()
        if (fails(what, times)) throw new Error('not yet')
      }
      return waits ? new Promise<void>((resolve) => setImmediate(resolve)).then(end) : end()
    }
    return stateObject(name, {
      state: z.object({ turns: z.number() }),
      init: () => ({ turns: 0 }),
      ...(window !== undefined && { window }),
    })
      .timers({ due: carried })
      .on(
        commands,
        { key: ({ key }) => key, route: world.route, onError: { attempts: 3, backoff: '1s' } },
        (state, { n, acts, fails: times, waits }, turn) =>
          finish(waits, `${n}`, times, () => {
            state.turns++
            turn.emit(done, { object: objectOf(name, turn), n, place: state.turns })
            acts.forEach((each, index) => perform(each, { n, index }, turn))
          }),
      )
      .onTimer('due', (state, { n, index, fails: times, waits }, turn) =>
        finish(waits, `${n} ${index}`, times, () => {
          state.turns++
          turn.emit(done, { object: objectOf(name, turn), n, index, place: state.turns })
        }),
      )
  }
}

export const objectOf = (kind: string, { key, window }: Pick<Turn, 'key' | 'window'>): string =>
  window === undefined ? `${kind} ${key}` : `${kind} ${key}|${window.start}|${window.end}`

function perform(
  { what, id, inMs, isLong, fails, waits }: Act,
  place: { readonly n: number; readonly index: number },
  turn: Turn<{ due: z.infer<typeof carried> }>,
): void {
  const options = id === undefined ? {} : { id }
  if (what === 'cancel') return turn.cancel('due', options)
  if (what === 'delete') return turn.delete()
  // In the time of the records, which is known, whenever the turn is run.
  const at = new Date(turn.record.timestamp + inMs)
  turn.timer('due', at, { ...place, fails, waits, text: isLong ? 'x'.repeat(300) : '' }, options)
}

interface Standing {
  place: number
  /** By id. */
  readonly timers: Map<string, { readonly n: number; readonly index: number; readonly dueMs: number }>
}

/**
 * What objects come to, by what their turns say: each turn in its place. Whatever the order of turns is, a timer fires once,
 * only while it is set as its object stands then, and not before it is due.
 */
export class Fold {
  readonly objects = new Map<string, Standing>()
  readonly faults: string[] = []
  /** Quarantines were lifted: what was in them comes when it is replayed. */
  isLifted = false
  readonly #commands: readonly Command[]
  readonly #lastOf = new Map<string, number>()
  readonly #seen = new Map<string, number>()

  constructor(sent: readonly Command[]) {
    this.#commands = sent
  }

  /** `nowMs`: the clock has not come further. */
  take({ object, n, index, place }: Done, nowMs: number): void {
    const standing = this.objects.get(object) ?? { place: 0, timers: new Map() }
    this.objects.set(object, standing)
    if (place !== standing.place + 1) this.#fault(object, `turn ${place} after ${standing.place}`)
    standing.place = place
    if (index !== undefined) return this.#fired(object, standing, n, index, nowMs)
    if (!this.isLifted && n <= (this.#lastOf.get(object) ?? -1))
      this.#fault(object, `command ${n} after ${this.#lastOf.get(object)}`)
    this.#lastOf.set(object, n)
    this.#seen.set(object, (this.#seen.get(object) ?? 0) + 1)
    const { acts, at } = this.#commands[n] as Command
    let isDeleted = false
    acts.forEach(({ what, id = '', inMs }, i) => {
      if (what === 'delete') isDeleted = true
      else if (what === 'cancel') standing.timers.delete(id)
      else standing.timers.set(id, { n, index: i, dueMs: at + inMs })
    })
    if (isDeleted) this.objects.delete(object)
  }

  #fired(object: string, { timers }: Standing, n: number, index: number, nowMs: number): void {
    const { id = '' } = (this.#commands[n] as Command).acts[index] as Act
    const set = timers.get(id)
    if (set?.n !== n || set.index !== index)
      return this.#fault(object, `timer ${n}.${index} fired, set is ${JSON.stringify(set)}`)
    if (set.dueMs > nowMs) this.#fault(object, `timer ${n}.${index} fired ${set.dueMs - nowMs} ms early`)
    timers.delete(id)
  }

  /** When all is done: commands without a turn, and timers that have not fired. */
  end(): readonly string[] {
    const wanted = new Map<string, number>()
    for (const { key, at } of this.#commands) {
      const windowStart = at - (at % windowMs)
      for (const object of [`plain ${key}`, `windowed ${key}|${windowStart}|${windowStart + windowMs}`])
        wanted.set(object, (wanted.get(object) ?? 0) + 1)
    }
    for (const [object, count] of wanted)
      if (this.#seen.get(object) !== count) this.#fault(object, `${this.#seen.get(object)} commands of ${count}`)
    for (const [object, { timers }] of this.objects)
      if (timers.size > 0) this.#fault(object, `did not fire: ${JSON.stringify([...timers])}`)
    return this.faults
  }

  #fault(object: string, what: string): void {
    this.faults.push(`${object}: ${what}`)
  }
}
