import type { ClientTopic } from 'millrace'
import { between, random } from '../shared/generate.js'
import { changes, type Change, type Customer } from './customers.js'

/** A change of the row with this id; null: what follows a deletion. */
export interface Captured {
  readonly id: number
  readonly change: Change | null
}

const names = ['Ann', 'Bob', 'Cho', 'Dee', 'Eli', 'Fay']
const cities = ['Bern', 'Graz', 'Lyon', 'Oslo', 'Riga']

/** What Debezium captures of a table of sixty customers: first a snapshot of ten, then rows come, change and go. */
export function capture(seed = 15): readonly Captured[] {
  const next = random(seed)
  const pick = (from: readonly string[]): string => from[between(next, 0, from.length - 1)] ?? ''
  const rows = new Map<number, Customer>()
  const captured: Captured[] = []
  for (let ts_ms = 1; ts_ms <= 1_500; ts_ms++) {
    const id = ts_ms <= 10 ? ts_ms : between(next, 1, 60)
    const before = rows.get(id) ?? null
    const after =
      before !== null && next() < 0.3 ? null : { id, name: pick(names), city: next() < 0.1 ? null : pick(cities) }
    const op = ts_ms <= 10 ? 'r' : after === null ? 'd' : before === null ? 'c' : 'u'
    captured.push({ id, change: { payload: { op, before, after, ts_ms } } })
    if (after === null) captured.push({ id, change: null })
    if (after === null) rows.delete(id)
    else rows.set(id, after)
  }
  return captured
}

/** The topic as Debezium writes it. */
export const debezium: ClientTopic<Captured> = {
  name: changes.name,
  keys: changes.keys,
  codec: {
    encode: ({ change }) => (change === null ? null : changes.codec.encode(change)),
    decode: (bytes) => ({ id: 0, change: changes.codec.decode(bytes) }),
  },
}
