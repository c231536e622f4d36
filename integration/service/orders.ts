import { stateObject, type AnyStateObject, type Turn } from 'millrace'
import { z } from 'zod'
import type { Order, Payment, Row, ServiceTopics } from './topics.js'

export const patienceMs = 3_000

const first = z.object({
  /** Null: paid for, and not heard of. */
  cents: z.number().nullable(),
  paidCents: z.number(),
  payments: z.number(),
  alerted: z.boolean(),
})
const second = first.extend({ dueCents: z.number() })
type First = z.infer<typeof first>
export type OrderState = z.infer<typeof second>

const unpaid = z.object({ cents: z.number() })
type Waiting = Turn<{ unpaid: { cents: number } }>

const none = (): First => ({ cents: null, paidCents: 0, payments: 0, alerted: false })
const dueOf = ({ cents, paidCents }: First): number => (cents ?? 0) - paidCents
const isSettled = (state: First): boolean => state.cents !== null && dueOf(state) <= 0
const rowOf = ({ cents, paidCents, alerted }: First, id: string): Row => ({ id, cents, paidCents, alerted })
const byOrder = ({ order }: Payment): string => order
/** What is wrong with an order itself fails each time. */
const placing = { key: ({ id }: Order) => id, onError: { attempts: 3, backoff: '20ms' } } as const

function place(state: First, { id, cents }: Order, turn: Waiting): void {
  state.cents = cents
  if (dueOf(state) > 0) turn.timer('unpaid', patienceMs, { cents })
  if (!Number.isInteger(cents)) throw new RangeError(`order ${id} is of ${cents} cents`)
}

function pay(state: First, { cents }: Payment, turn: Waiting): void {
  state.paidCents += cents
  state.payments++
  if (isSettled(state)) turn.cancel('unpaid')
}

const alertTo =
  ({ alerts }: ServiceTopics) =>
  (state: First, { cents }: { readonly cents: number }, turn: Turn): void => {
    state.alerted = true
    turn.emit(alerts, { order: turn.key, cents, at: Date.now() })
  }

export function orderV1(topics: ServiceTopics) {
  return stateObject('order', { state: first, init: none, emits: [topics.alerts] })
    .timers({ unpaid })
    .on(topics.orders, placing, place)
    .on(topics.payments, byOrder, pay)
    .onTimer('unpaid', alertTo(topics))
    .publish(topics.rows, rowOf)
}

const version2 = { state: second, init: () => ({ ...none(), dueCents: 0 }), version: 2 }
const withDue = (state: First): OrderState => ({ ...state, dueCents: dueOf(state) })

/** Keeps what is due with the order. */
export function orderV2(topics: ServiceTopics) {
  return stateObject('order', { ...version2, emits: [topics.alerts] })
    .migrate(1, withDue)
    .timers({ unpaid })
    .on(topics.orders, placing, (state, order, turn) => {
      place(state, order, turn)
      state.dueCents = dueOf(state)
    })
    .on(topics.payments, byOrder, (state, payment, turn) => {
      pay(state, payment, turn)
      state.dueCents = dueOf(state)
    })
    .onTimer('unpaid', alertTo(topics))
    .publish(topics.rows, rowOf)
}

/** Gives a receipt once nothing is due any more. */
export function orderV3(topics: ServiceTopics) {
  const settle = (state: OrderState, turn: Turn, wasSettled: boolean): void => {
    state.dueCents = dueOf(state)
    if (!wasSettled && isSettled(state)) turn.emit(topics.receipts, { order: turn.key, cents: state.paidCents })
  }
  return stateObject('order', { ...version2, emits: [topics.alerts, topics.receipts] })
    .migrate(1, withDue)
    .timers({ unpaid })
    .on(topics.orders, placing, (state, order, turn) => {
      const wasSettled = isSettled(state)
      place(state, order, turn)
      settle(state, turn, wasSettled)
    })
    .on(topics.payments, byOrder, (state, payment, turn) => {
      const wasSettled = isSettled(state)
      pay(state, payment, turn)
      settle(state, turn, wasSettled)
    })
    .onTimer('unpaid', alertTo(topics))
    .publish(topics.rows, rowOf)
}

export const orderOf: Record<string, (topics: ServiceTopics) => AnyStateObject> = {
  1: orderV1,
  2: orderV2,
  3: orderV3,
}
