import { z } from 'zod'
import { text } from '../../lib/codec/codec.js'
import { stateObject, type AnyStateObject } from '../../lib/model/state-object.js'
import { topic } from '../../lib/model/stream.js'
import { hopping, session, tumbling } from '../../lib/model/window.js'
import type { Click, Schedule } from './schedules.js'

/** What windows hold, and what is emitted when they close. */
export interface Window {
  user: string
  start: number
  end: number
  ids: number[]
}

export const clicks = topic(
  'clicks',
  z.object({ user: z.string(), at: z.number(), id: z.number(), deletes: z.boolean() }),
  {
    timestamp: ({ at }) => at,
  },
)
export const closed = topic(
  'closed',
  z.object({ user: z.string(), start: z.number(), end: z.number(), ids: z.array(z.number()) }),
)
export const letters = topic('test-dlq', text())

export const sizeMs = 2_000
export const everyMs = 1_000
export const gapMs = 600
/** Longer than the interval of commits in tests. */
const lateMs = 15

type State = { ids: number[] }
const merge = (a: State, b: State): State => ({ ids: [...a.ids, ...b.ids] })
const windowOf = {
  tumbling: (grace: number) => tumbling(sizeMs, { grace }),
  hopping: (grace: number) => hopping(sizeMs, { every: everyMs, grace }),
  session: (grace: number) => session<State>(gapMs, { merge, grace }),
} as const

export type WindowKind = keyof typeof windowOf

/** Turns that throw as the schedule says, and none once all is repaired. */
export class Faults {
  readonly #times: readonly number[]
  readonly #thrown = new Map<string, number>()
  isRepaired = false

  constructor(times: readonly number[]) {
    this.#times = times
  }

  demand(what: string, number: number): void {
    // Of what only moves time none fails.
    const times = number < 0 ? 0 : (this.#times[number % this.#times.length] as number)
    const thrown = this.#thrown.get(what) ?? 0
    if (this.isRepaired || thrown >= times) return
    this.#thrown.set(what, thrown + 1)
    throw new Error(`${what} fails`)
  }
}

export function kindOf(
  window: WindowKind,
  graceMs: number,
  { slow }: Schedule,
  faults: Faults,
  backoffMs = 100,
): AnyStateObject {
  const ended = (number: number, end: () => void): Promise<void> | undefined => {
    const slowness = slow[number % slow.length]
    if (slowness === undefined) {
      end()
      return undefined
    }
    const elsewhere = new Promise<void>((resolve) => {
      if (slowness === 'soon') setImmediate(resolve)
      else setTimeout(resolve, lateMs)
    })
    return elsewhere.then(end)
  }
  return stateObject('window', {
    state: z.object({ ids: z.array(z.number()) }),
    init: () => ({ ids: [] as number[] }),
    window: windowOf[window](graceMs),
  })
    .on(
      clicks,
      { key: ({ user }) => user, onError: { attempts: 3, backoff: backoffMs } },
      (state: State, { id, deletes }, turn) => {
        state.ids.push(id)
        if (deletes) turn.delete()
        // What a session begins with depends on the order of its records.
        const about = window === 'session' ? 0 : Math.floor(turn.window.start / everyMs)
        return ended(Math.max(0, id), () => faults.demand(`${id} in ${about}`, id + about))
      },
    )
    .onClose((state: State, turn) => {
      const { start, end } = turn.window
      turn.emit(closed, { user: turn.key, start, end, ids: state.ids })
      const number = Math.floor(start / 7)
      return ended(number, () => faults.demand(`${turn.key} closes ${start}`, number))
    })
}

/** Records of other users, much later, in all partitions: with them all windows are over. */
export function last(all: readonly Click[]): readonly Click[] {
  const at = Math.max(...all.map((click) => click.at)) + 100_000
  return Array.from({ length: 12 }, (_, i) => ({ user: `end ${i}`, at, id: -1 - i, deletes: false }))
}
