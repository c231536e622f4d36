import { z } from 'zod'
import { topic, type Topic } from 'millrace'

export interface Payment {
  readonly id: string
  readonly account: string
  readonly cents: number
}

export const paymentsOf = (app: string): Topic<Payment> =>
  topic(`${app}.payments`, z.object({ id: z.string(), account: z.string(), cents: z.number() }), { partitions: 4 })

/** What is paid, and how far each partition has come, in one database. Rows of one payment that came twice would both be there. */
export const tables = `
  create table payments (id text not null, account text not null, cents bigint not null check (cents > 0));
  create table sink_offsets (sink text, topic text, partition int, next bigint not null, primary key (sink, topic, partition));
`
