import type { LogClient } from 'millrace'
import { between, daysAgo, random } from '../shared/generate.js'
import { orders, payments, type Order, type Payment } from './orders.js'

const day = daysAgo(3)
const minuteMs = 60_000
const hourMs = 60 * minuteMs

/** A day of orders and what is paid for them; the next day some more of both, which ends the waiting for those of the first. */
export function shop(seed = 7): { readonly orders: readonly Order[]; readonly payments: readonly Payment[] } {
  const next = random(seed)
  const orders: Order[] = []
  const payments: Payment[] = []
  for (let n = 0; n < 2_000; n++) {
    const at = day + between(next, 0, 24 * hourMs - 1)
    const id = `order-${n}`
    orders.push({ id, at, cents: between(next, 5_00, 200_00) })
    const chance = next()
    if (chance < 0.85) payments.push({ order: id, at: at + between(next, 0, 2 * hourMs) })
    else if (chance < 0.9) payments.push({ order: id, at: at + between(next, 4 * hourMs, 7 * hourMs) })
  }
  for (let n = 0; n < 50; n++) {
    const id = `next-day-${n}`
    orders.push({ id, at: day + 36 * hourMs, cents: between(next, 5_00, 200_00) })
    payments.push({ order: id, at: day + 36 * hourMs + minuteMs })
  }
  const inOrder = (a: { at: number }, b: { at: number }): number => a.at - b.at
  return { orders: orders.sort(inOrder), payments: payments.sort(inOrder) }
}

/** An hour of orders, an hour of payments, and so on, as they would come in. */
export async function load(log: LogClient): Promise<void> {
  const all = shop()
  for (let from = day; from < day + 48 * hourMs; from += hourMs) {
    const isNow = ({ at }: { at: number }): boolean => at >= from && at < from + hourMs
    await log.send(orders, all.orders.filter(isNow), { key: ({ id }) => id })
    await log.send(payments, all.payments.filter(isNow), { key: ({ order }) => order })
  }
}
