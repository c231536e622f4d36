import { connectKey, stateObject, topic } from 'millrace'
import { z } from 'zod'

const customer = z.object({ id: z.int32(), name: z.string(), city: z.string().nullable() })
export type Customer = z.infer<typeof customer>

/** What Debezium writes for each change of a row: the row before it and after it, beside a schema that is left out here. */
const change = z.object({
  payload: z.object({
    op: z.enum(['r', 'c', 'u', 'd']),
    before: customer.nullable(),
    after: customer.nullable(),
    ts_ms: z.int(),
  }),
})
export type Change = z.infer<typeof change>

/** Its keys are structs with the primary key of the table: `id` is text to handlers. */
export const changes = topic('shop.public.customers', change, { key: connectKey({ id: z.int32() }) })
export const cities = topic('customers-by-city', z.object({ city: z.string(), customers: z.int() }))

/** The table as it is now. What is sent again after a restart of Debezium comes in its order, and ends as it did. */
export const row = stateObject('customer', {
  state: z.object({ row: customer.nullable() }),
  init: () => ({ row: null }),
}).on(
  // Behind each deletion comes a record without a value, for compaction.
  changes.withTombstones(),
  (_change, { key }) => key,
  (state, change, turn) => {
    const [before, after] = [state.row?.city ?? null, change?.payload.after ?? null]
    if (before !== (after?.city ?? null)) {
      if (before !== null) turn.emit(moves, { city: before, by: -1 }, { key: before })
      if (after !== null && after.city !== null) turn.emit(moves, { city: after.city, by: 1 }, { key: after.city })
    }
    if (after === null) turn.delete()
    else state.row = after
  },
)

/** What the app tells itself: a customer came to a city, or left it. */
export const moves = topic('customer-moves', z.object({ city: z.string(), by: z.literal([1, -1]) }))

export const city = stateObject('city', { state: z.object({ customers: z.int() }), init: () => ({ customers: 0 }) })
  .on(
    moves,
    ({ city }) => city,
    (state, { by }, turn) => {
      state.customers += by
      if (state.customers === 0) turn.delete()
    },
  )
  .publish(cities, ({ customers }, city) => ({ city, customers }))
