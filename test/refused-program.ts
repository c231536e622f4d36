import { z } from 'zod'
import { changelogTopic, inboxTopic } from '../lib/model/names.js'
import type { InputOptions } from '../lib/model/inputs.js'
import { stateObject, type AnyStateObject } from '../lib/model/state-object.js'
import { topic, type Flow } from '../lib/model/stream.js'
import { hopping } from '../lib/model/window.js'
import type { Appended } from './refusing-log.js'

/** What is written for an item and refused, if anything is; see `refuses`. */
export const bads = ['out', 'copies', 'rows', 'state', 'hop', 'timed', 'counted'] as const

const wanted = z.object({
  key: z.string(),
  lane: z.string(),
  bad: z.enum(bads).optional(),
  waits: z.boolean(),
  fails: z.boolean(),
  timer: z.boolean(),
})
/** An item, before it is numbered; whether its handler waits, fails at first, or sets a timer. */
export type Wanted = z.infer<typeof wanted>
const item = wanted.extend({ id: z.number() })
export type Item = z.infer<typeof item>

export const app = 'refused'
export const items = topic('items', item)
export const out = topic('out', item.extend({ place: z.number() }))
export const copies = topic('copies', item)
export const timed = topic('timed', item)
export const counted = topic('counted', item.extend({ window: z.number() }))
export const letters = topic(`${app}-dlq`, item)
const listed = z.object({ ids: z.array(z.number()), bad: z.array(z.string()) })
export const rows = topic('rows', listed)
type Listed = z.infer<typeof listed>
const init = (): Listed => ({ ids: [], bad: [] })

/** As many as there can be items: each sets a timer of its own. */
export const mostItems = 60
const timers = Object.fromEntries(Array.from({ length: mostItems }, (_, id) => [`t${id}`, item]))

const places: Readonly<Record<string, (typeof bads)[number]>> = {
  [out.name]: 'out',
  [copies.name]: 'copies',
  [rows.name]: 'rows',
  [changelogTopic(app, 'list')]: 'state',
  [inboxTopic(app, 'list')]: 'hop',
  [timed.name]: 'timed',
  [counted.name]: 'counted',
}

/** A broker that refuses what is marked as bad for the topic it goes to. State once bad stays so. */
export function refuses({ topic: name, value }: Appended): boolean {
  const bad = places[name]
  return bad !== undefined && value?.includes(`"${bad}"`) === true
}

export interface Program {
  readonly objects: readonly AnyStateObject[]
  readonly flows: readonly Flow[]
}

/** Timers are due one after the other from `beganAt` on. */
export function program(route: 'auto' | 'shuffle', beganAt: number): Program {
  const failed = new Set<number>()
  const input: InputOptions<Item> = { key: ({ key }) => key, route, onError: { attempts: 3, backoff: 1 } }
  let list = stateObject('list', { state: listed, init })
    .timers(timers)
    .on(items, input, (state, value, turn) => {
      const take = (): void => {
        state.ids.push(value.id)
        if (value.bad !== undefined) state.bad.push(value.bad)
        turn.emit(out, { ...value, place: state.ids.length })
        if (value.timer) turn.timer(`t${value.id}`, new Date(beganAt + value.id), value)
        if (!value.fails || failed.has(value.id)) return
        failed.add(value.id)
        throw new Error('at first')
      }
      return value.waits ? new Promise((resolve) => setImmediate(resolve)).then(take) : take()
    })
    .publish(rows, ({ ids, bad }) => ({ ids: [...ids], bad: [...bad] }))
  for (const name of Object.keys(timers)) list = list.onTimer(name, (_state, value, turn) => turn.emit(timed, value))
  // Each item is in two windows, and none of them closes.
  const window = hopping('2h', { every: '1h' })
  const count = stateObject('count', { state: listed, init, window }).on(
    items,
    { key: ({ lane }) => lane },
    (state, value, turn) => {
      state.ids.push(value.id)
      turn.emit(counted, { ...value, window: turn.window.start })
    },
  )
  return { objects: [list, count], flows: [items.to(copies)] }
}
