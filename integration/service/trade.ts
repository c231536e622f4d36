import { text, topic } from 'millrace'
import { seeded } from '../oracle/input.js'
import { minuteMs } from './checks.js'
import { Ledger, type Verdict } from './ledger.js'
import type { Payment } from './topics.js'
import type { ServiceWorld } from './world.js'

/** Of event time, and less than the grace: so no payment is ever late, whichever partition is read first. */
const roundMs = 10_000
const accounts = 32
const shops = ['north', 'south', 'west']

/** Sends orders and payments, and keeps the books. One thing at a time: event time goes with what it sends. */
export class Trade {
  readonly ledger = new Ledger()
  /** Of what is paid now. */
  receipts: Verdict = 'never'
  readonly #world: ServiceWorld
  readonly #random = seeded(11)
  #rounds = 0
  #at = Math.floor(Date.now() / minuteMs) * minuteMs - 50 * minuteMs

  constructor(world: ServiceWorld) {
    this.#world = world
  }

  get at(): number {
    return this.#at
  }

  /** Some orders. All but the unpaid ones are paid at once, and it resolves when that has been seen. */
  async round({ paid = 6, slow = 1, unpaid = 1 } = {}): Promise<void> {
    const round = ++this.#rounds
    const ids = (kind: string, count: number): string[] =>
      Array.from({ length: count }, (_, i) => `${kind}-${round}-${i}`)
    const toBePaid = [...ids('order', paid), ...ids('slow', slow)]
    await this.place([...toBePaid, ...ids('unpaid', unpaid)])
    await this.pay(toBePaid)
    await this.paid(toBePaid)
  }

  /** Rounds for as long as something else is being done, and at least one. */
  async during<T>(work: Promise<T>): Promise<T> {
    let isDone = false
    const settled = work.finally(() => (isDone = true))
    settled.catch(() => undefined)
    do await this.round()
    while (!isDone)
    return settled
  }

  async place(ids: readonly string[], cents?: number): Promise<void> {
    const { log, topics } = this.#world
    for (const id of ids)
      this.ledger.place({
        id,
        customer: `customer-${this.#below(20)}`,
        cents: cents ?? 100 + this.#below(10_000),
      })
    const orders = ids.map((id) => this.ledger.placed.get(id)!.order)
    await log.send(topics.orders, orders, { key: ({ customer }) => customer })
  }

  /** In full; some in two parts. */
  async pay(ids: readonly string[]): Promise<void> {
    const payments = ids.flatMap((id) => {
      const placed = this.ledger.placed.get(id)!
      placed.receipt = this.receipts
      const cents = Math.round(placed.order.cents)
      const part = this.#random() < 0.2 ? Math.floor(cents / 3) : 0
      const parts = part === 0 ? [cents] : [part, cents - part]
      return parts.map((some) => this.#payment(id, some, this.#at + this.#below(roundMs)))
    })
    await this.#send(payments)
    this.#at += roundMs
  }

  /** Resolves when their payments have been seen. */
  async paid(ids: readonly string[]): Promise<void> {
    await this.#world.until(`${ids.join(', ')} are paid`, async () => {
      const rows = await this.#world.rows()
      return ids.every((id) => (rows.get(id)?.paidCents ?? 0) >= this.ledger.placed.get(id)!.order.cents)
    })
    for (const id of ids) this.ledger.seenPaid(id)
  }

  /** What nobody can make anything of. */
  async garbage(values: readonly string[]): Promise<void> {
    await this.#world.log.send(topic(this.#world.topics.orders.name, text()), values)
    this.ledger.letters.push(...values.map((value) => ` VALUE_INVALID ${value}`))
  }

  /** Payments of ten minutes later through every partition, which end the windows before; gives when that is. */
  async close(): Promise<number> {
    const end = this.#at + 10 * minuteMs
    const closing = Array.from({ length: accounts }, (_, i) => ({
      ...this.#payment(`nobody-${i}`, 1, end),
      account: `account-${i}`,
    }))
    await this.#send(closing)
    return end
  }

  async #send(payments: readonly Payment[]): Promise<void> {
    this.ledger.payments.push(...payments)
    await this.#world.log.send(this.#world.topics.payments, payments, { key: ({ account }) => account })
  }

  #payment(order: string, cents: number, at: number): Payment {
    return { order, account: `account-${this.#below(accounts)}`, shop: shops[this.#below(shops.length)]!, at, cents }
  }

  #below(most: number): number {
    return Math.floor(this.#random() * most)
  }
}
