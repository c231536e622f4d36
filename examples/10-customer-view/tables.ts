import type { ClientTopic, Topic } from 'millrace'
import { between, random } from '../shared/generate.js'
import type { Address, Customer } from './view.js'

/** Of one row; null deletes it. */
export interface Change<Row> {
  readonly id: string
  readonly row: Row | null
}

const names = ['Ann', 'Bob', 'Cho', 'Dee', 'Eli', 'Fay', 'Gus', 'Hal', 'Ida', 'Jon']
const cities = ['Bern', 'Graz', 'Lyon', 'Oslo', 'Riga', 'York']
const streets = ['Elm Street', 'High Street', 'Mill Lane', 'Station Road']

/** What happened to two tables of forty customers: rows come, change, go, and come again. */
export function changes(seed = 10): {
  readonly customers: readonly Change<Customer>[]
  readonly addresses: readonly Change<Address>[]
} {
  const next = random(seed)
  const pick = (from: readonly string[]): string => from[between(next, 0, from.length - 1)] ?? ''
  const many = <Row>(make: () => Row): readonly Change<Row>[] =>
    Array.from({ length: 600 }, () => ({
      id: `customer-${String(between(next, 1, 40)).padStart(2, '0')}`,
      row: next() < 0.35 ? null : make(),
    }))
  return {
    customers: many(() => ({ name: pick(names) })),
    addresses: many(() => ({ street: `${between(next, 1, 99)} ${pick(streets)}`, city: pick(cities) })),
  }
}

/** A table as who fills it sees it: a change without a row is written as a tombstone. */
export function filling<Row>({ name, codec }: Topic<Row>): ClientTopic<Change<Row>> {
  return {
    name,
    codec: {
      encode: ({ row }) => (row === null ? null : codec.encode(row)),
      decode: (bytes) => ({ id: '', row: codec.decode(bytes) }),
    },
  }
}
