import { changes } from '../../examples/10-customer-view/tables.js'
import { output, rowsOf } from './output.js'

/** The last change of each row decides; a customer is shown who has both. */
function expected(): string {
  const { customers, addresses } = changes()
  const names = new Map(customers.map(({ id, row }) => [id, row]))
  const places = new Map(addresses.map(({ id, row }) => [id, row]))
  const rows = [...names.keys()].sort().flatMap((id) => {
    const [customer, address] = [names.get(id), places.get(id)]
    return customer && address ? [`${id} ${customer.name} ${address.street} ${address.city}`] : []
  })
  return [...rows, `${rows.length} customers with a name and an address`].join('\n')
}

it('a customer is in the view while there are a name and an address', async () => {
  expect(rowsOf(await output('10-customer-view'))).toBe(expected())
}, 60_000)
