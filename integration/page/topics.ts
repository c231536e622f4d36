import { topic } from 'millrace'
import { z } from 'zod'

/** The topics of one shop, on a broker that outlives it. */
export const topicsOf = (app: string) => ({
  orders: topic(
    `${app}.orders`,
    z.object({ id: z.string(), customer: z.string(), amount: z.number(), note: z.string() }),
    { partitions: 4 },
  ),
  payments: topic(`${app}.payments`, z.object({ order: z.string(), amount: z.number() }), { partitions: 4 }),
  totals: topic(`${app}.totals`, z.object({ amount: z.number(), paid: z.number() }), { partitions: 4 }),
  customers: topic(`${app}.customers`, z.object({ orders: z.number() }), { partitions: 4 }),
  alerts: topic(`${app}.alerts`, z.object({ order: z.string(), over: z.number() }), { partitions: 4 }),
})
