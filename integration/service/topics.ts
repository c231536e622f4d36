import { topic, type Topic } from 'millrace'
import { z } from 'zod'

const order = z.object({ id: z.string(), customer: z.string(), cents: z.number() })
const payment = z.object({
  order: z.string(),
  account: z.string(),
  shop: z.string(),
  at: z.number(),
  cents: z.number(),
})
const row = z.object({ id: z.string(), cents: z.number().nullable(), paidCents: z.number(), alerted: z.boolean() })
const alert = z.object({ order: z.string(), cents: z.number(), at: z.number() })
const risk = z.object({ order: z.string(), score: z.number() })
const revenue = z.object({ shop: z.string(), start: z.number(), cents: z.number(), payments: z.number() })
const receipt = z.object({ order: z.string(), cents: z.number() })

export type Order = z.infer<typeof order>
export type Payment = z.infer<typeof payment>
export type Row = z.infer<typeof row>
export type Alert = z.infer<typeof alert>
export type Risk = z.infer<typeof risk>
export type Revenue = z.infer<typeof revenue>
export type Receipt = z.infer<typeof receipt>

export interface ServiceTopics {
  /** By customer: an order hops to the task of its id. */
  readonly orders: Topic<Order>
  /** By account: a payment hops to the task of its order, and to that of its shop. `at` is event time. */
  readonly payments: Topic<Payment>
  /** What each order has come to. */
  readonly rows: Topic<Row>
  /** Orders that were not paid in time; `at`: the time on the clock when that was found. */
  readonly alerts: Topic<Alert>
  readonly risks: Topic<Risk>
  readonly revenues: Topic<Revenue>
  /** From version 3 on. */
  readonly receipts: Topic<Receipt>
  readonly letters: string
}

export function topicsOf(app: string): ServiceTopics {
  const options = { partitions: 4 }
  return {
    orders: topic(`${app}-orders`, order, options),
    payments: topic(`${app}-payments`, payment, { ...options, timestamp: ({ at }) => at }),
    rows: topic(`${app}-rows`, row, options),
    alerts: topic(`${app}-alerts`, alert, options),
    risks: topic(`${app}-risks`, risk, options),
    revenues: topic(`${app}-revenues`, revenue, options),
    receipts: topic(`${app}-receipts`, receipt, options),
    letters: `${app}-dlq`,
  }
}
