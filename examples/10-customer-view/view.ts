import { stateObject, topic } from 'millrace'
import { z } from 'zod'

const customer = z.object({ name: z.string() })
const address = z.object({ street: z.string(), city: z.string() })
export type Customer = z.infer<typeof customer>
export type Address = z.infer<typeof address>

/** Two compacted topics, each a table: the key is the customer's number, the latest value is the row, none is a deletion. */
export const customers = topic('customers', customer)
export const addresses = topic('addresses', address)
export const views = topic('customer-views', customer.extend(address.shape).extend({ id: z.string() }))

/** Both rows of a customer, as far as they are there. */
export const view = stateObject('view', {
  state: z.object({ customer: customer.nullable(), address: address.nullable() }),
  init: () => ({ customer: null, address: null }),
})
  .on(
    // Without tombstones a deletion would be refused as a record that has no value.
    customers.withTombstones(),
    (_row, { key }) => key,
    (state, customer, turn) => {
      state.customer = customer
      if (customer === null && state.address === null) turn.delete()
    },
  )
  .on(
    addresses.withTombstones(),
    (_row, { key }) => key,
    (state, address, turn) => {
      state.address = address
      if (address === null && state.customer === null) turn.delete()
    },
  )
  // An inner join: a row where both are, and a tombstone when one of them has gone.
  .publish(views, ({ customer, address }, id) => customer && address && { id, ...customer, ...address })
