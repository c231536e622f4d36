import { z } from 'zod'
import { stateObject, type AnyStateObject } from '../../lib/model/state-object.js'
import { topic, type Topic } from '../../lib/model/stream.js'
import type { Turn } from '../../lib/model/turn.js'
import { hopping, session, tumbling, type Window } from '../../lib/model/window.js'

export const windowMs = 1_000
export const gapMs = 600
export const ttlMs = 3_600_000

const item = z.object({
  n: z.number(),
  key: z.string(),
  /** Milliseconds that its turns take; undefined: they are synchronous. */
  takes: z.number().optional(),
  /** How often each of its turns fails before it succeeds; below zero: as long as the world is broken. */
  fails: z.number(),
  /** Set, or taken back, by its turns. */
  timer: z
    .object({
      id: z.string().optional(),
      inMs: z.number().optional(),
      takes: z.number().optional(),
      fails: z.number(),
    })
    .optional(),
  deletes: z.boolean(),
})
export type Item = z.infer<typeof item>

const batch = z.object({ lane: z.string(), at: z.number(), items: item.array() })
export type Batch = z.infer<typeof batch>

/** What a timer carries: the record that has set it. */
const carried = z.object({
  n: z.number(),
  id: z.string().optional(),
  takes: z.number().optional(),
  fails: z.number(),
  dueMs: z.number(),
})

/** What a turn says that has succeeded; `place`: how many turns its object has had since it was made; `ids`: records of a window. */
const turnDone = z.object({
  kind: z.string(),
  object: z.string(),
  what: z.enum(['record', 'timer', 'close']),
  n: z.number(),
  id: z.string().optional(),
  place: z.number(),
  ids: z.number().array().optional(),
  atMs: z.number(),
  dueMs: z.number().optional(),
})
export type Done = z.infer<typeof turnDone>

const row = z.object({ turns: z.number() })
const timestamp = ({ at }: Batch): number => at
const times = { timestamp, maxAhead: 'unlimited' } as const
export const batches = topic('batches', batch, times)
/** Nobody else reads it, so what pauses leaves its records where they are. */
export const alone = topic('alone', batch, times)
export const done = topic('done', turnDone)
export const rowsOf: ReadonlyMap<string, Topic<z.infer<typeof row>>> = new Map(
  ['plain', 'alone', 'fixed'].map((kind) => [kind, topic(`${kind}-rows`, row)]),
)

export interface World {
  /** Of the day, milliseconds since the epoch. */
  readonly now: () => number
  isBroken: boolean
  readonly graceMs: number
  readonly route: 'auto' | 'shuffle'
  readonly pauses: boolean
  /** After which quarantines end by themselves. */
  readonly quarantine: number | undefined
  /** Of closing turns, by a number made of the window. */
  readonly closing: readonly { readonly takes: number | undefined; readonly fails: number }[]
}

interface Counted {
  turns: number
  ids: number[]
}

/** What a turn leaves in its state until it has ended: nobody may see it. */
const halfChanged = 1_000_000

type Timed = Turn<{ due: z.infer<typeof carried> }>

/** Kinds of all sorts, whose turns take their time, fail, and set timers that do so too. */
export function kindsOf(world: World): readonly AnyStateObject[] {
  const { graceMs } = world
  return [
    kind('plain', undefined, batches),
    kind('alone', undefined, alone),
    kind('fixed', tumbling(windowMs, { grace: graceMs }), batches),
    kind('hopping', hopping(2 * windowMs, { every: windowMs, grace: graceMs }), batches),
    kind('session', session<Counted>(gapMs, { merge: merged, grace: graceMs }), batches),
  ]

  function kind(name: string, window: Window<Counted> | undefined, from: Topic<Batch>): AnyStateObject {
    const failed = new Map<string, number>()
    const fails = (what: string, times: number): boolean => {
      if (times < 0) return world.isBroken
      const count = failed.get(what) ?? 0
      failed.set(what, count + 1)
      return count < times
    }
    const pass = (
      state: Counted,
      what: string,
      how: { readonly takes?: number | undefined; readonly fails: number },
      act: () => void,
    ): void | Promise<void> => {
      const end = (): void => {
        act()
        if (fails(what, how.fails)) throw new Error(`${what} fails`)
      }
      const { takes } = how
      if (takes === undefined) return end()
      state.turns += halfChanged
      const passed = new Promise<void>((resolve) => (takes === 0 ? setImmediate(resolve) : setTimeout(resolve, takes)))
      return passed.then(() => {
        state.turns -= halfChanged
        end()
      })
    }
    const said = (
      turn: Timed,
      state: Counted,
      what: Done['what'],
      more: Pick<Done, 'n' | 'id' | 'ids' | 'dueMs'>,
    ): void => {
      const object = objectOf(name, turn)
      turn.emit(done, { kind: name, object, what, place: state.turns, atMs: world.now(), ...more }, { key: object })
    }
    const base = stateObject(name, {
      state: z.object({ turns: z.number(), ids: z.number().array() }),
      init: () => ({ turns: 0, ids: [] as number[] }),
      ...(window === undefined ? { ttl: ttlMs } : { window }),
    })
      .timers({ due: carried })
      .on(
        from.flatMap(({ items }) => items),
        {
          key: ({ key }) => key,
          route: world.route,
          onError: { attempts: 3, backoff: 2, ...(world.quarantine !== undefined && { quarantine: world.quarantine }) },
          ...(world.pauses && { breaker: { after: 2, probe: 5 } }),
        },
        (state: Counted, value, turn) => {
          const { n, timer, deletes } = value
          return pass(state, `${n} of ${objectOf(name, turn)}`, value, () => {
            state.turns++
            state.ids.push(n)
            said(turn, state, 'record', { n })
            if (timer !== undefined) {
              const { id, inMs } = timer
              const options = id === undefined ? {} : { id }
              if (inMs === undefined) turn.cancel('due', options)
              else {
                const dueMs = world.now() + inMs
                turn.timer('due', new Date(dueMs), { n, ...timer, dueMs }, options)
              }
            }
            if (deletes && window === undefined) turn.delete()
          })
        },
      )
      .onTimer('due', (state: Counted, { n, id, dueMs, ...how }, turn) =>
        pass(state, `timer of ${n} of ${objectOf(name, turn)}`, how, () => {
          state.turns++
          said(turn, state, 'timer', { n, id, dueMs })
        }),
      )
    const rows = rowsOf.get(name)
    const closing =
      window === undefined
        ? base
        : base.onClose((state: Counted, turn) => {
            const number = Math.floor(turn.window.start / 100)
            const how = world.closing[number % world.closing.length] as World['closing'][number]
            return pass(state, `closing of ${name} ${turn.key} ${turn.window.start}`, how, () =>
              said(turn as Timed, state, 'close', { n: turn.window.start, ids: state.ids }),
            )
          })
    return rows === undefined ? closing : closing.publish(rows, ({ turns }) => ({ turns }))
  }
}

const merged = (a: Counted, b: Counted): Counted => ({ turns: a.turns + b.turns, ids: [...a.ids, ...b.ids] })

/** Sessions of a key are one object. */
const objectOf = (kind: string, { key, window }: Pick<Turn, 'key' | 'window'>): string =>
  window === undefined || kind === 'session' ? key : `${key}|${window.start}|${window.end}`
