import { minuteMs } from './checks.js'
import { patienceMs, type OrderState } from './orders.js'
import type { Order, Payment, Revenue } from './topics.js'

/** `open`: the machine was too slow to say, so either is right. */
export type Verdict = 'must' | 'never' | 'open'

export interface Placed {
  readonly order: Order
  /** Before it was sent. */
  readonly sentAt: number
  alert: Verdict
  receipt: Verdict
}

/** Everything that was sent, and the fold over it. */
export class Ledger {
  readonly placed = new Map<string, Placed>()
  readonly payments: Payment[] = []
  /** `<kind> <code> <what it is of>`; no kind where no handler was run. */
  readonly letters: string[] = []

  place(order: Order): void {
    this.placed.set(order.id, { order, sentAt: Date.now(), alert: 'must', receipt: 'never' })
  }

  /** Its payment was seen in committed output just now: before the timer can have been due, or perhaps not. */
  seenPaid(id: string): void {
    const placed = this.placed.get(id)!
    placed.alert = Date.now() - placed.sentAt < patienceMs ? 'never' : 'open'
  }

  /** The final state of each order; whether there was an alert is said by the alerts. */
  states(alerted: ReadonlySet<string>, isRefused: (id: string) => boolean): Map<string, OrderState> {
    const states = new Map<string, OrderState>()
    for (const id of [...this.placed.keys(), ...this.payments.map(({ order }) => order)]) {
      if (isRefused(id)) continue
      const cents = this.placed.get(id)?.order.cents ?? null
      states.set(id, { cents, paidCents: 0, payments: 0, alerted: alerted.has(id), dueCents: cents ?? 0 })
    }
    for (const { order, cents } of this.payments) {
      const state = states.get(order)
      if (state === undefined) continue
      state.paidCents += cents
      state.payments++
      state.dueCents -= cents
    }
    return states
  }

  /** As a batch over all payments would give it, of the minutes before `until`. */
  revenues(until: number): Map<string, Revenue> {
    const minutes = new Map<string, Revenue>()
    for (const { shop, at, cents } of this.payments) {
      const start = Math.floor(at / minuteMs) * minuteMs
      if (start + minuteMs > until) continue
      const before = minutes.get(`${shop} ${start}`) ?? { shop, start, cents: 0, payments: 0 }
      minutes.set(`${shop} ${start}`, { ...before, cents: before.cents + cents, payments: before.payments + 1 })
    }
    return minutes
  }
}
