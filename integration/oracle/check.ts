import type { LogClient, Topic } from 'millrace'
import type { OracleState, OracleTopics, Refusal } from './program.js'
import type { World } from './world.js'

/**
 * Everything the app left behind equals a fold over its input: state, changelog, published rows, emitted updates and the
 * copy. `objects` is the state as the processes listed it at their end.
 */
export async function expectExactlyOnce(
  { app, log, topics, input }: World,
  objects: ReadonlyMap<string, OracleState>,
): Promise<void> {
  const { states } = input
  expect(await refusals(log, topics)).toEqual([])
  expectSame('state', objects, states)
  expectSame('changelog', await latest(log, topics.changelog), states)
  expectSame(
    'rows',
    await latest(log, topics.rows),
    new Map([...states].map(([key, state]) => [key, { key, ...state }])),
  )
  expect({ app, ...(await outOfOrder(log, topics.updates)) }).toEqual({ app, records: input.records, wrong: [] })
  expect({ app, ...(await outOfOrder(log, topics.copy)) }).toEqual({ app, records: input.records, wrong: [] })
}

/** Nothing is open or pending: what is stable is all there is, and all that was to be read has been. */
export async function expectSettled(world: World): Promise<void> {
  const { input, inbox, updates, rows, copy, changelog } = world.topics
  const all = [input.name, inbox, updates.name, rows.name, copy.name, changelog.name]
  expect(await world.ends(all, 'committed')).toEqual(await world.ends(all, 'all'))
  expect(await world.committed()).toEqual(await world.ends([input.name, inbox]))
}

/** The first records that an object refused. */
async function refusals(log: LogClient, { errors }: OracleTopics): Promise<Refusal[]> {
  const found: Refusal[] = []
  for await (const { value } of log.read(errors)) if (value !== null && found.length < 5) found.push(value)
  return found
}

function expectSame<V>(what: string, found: ReadonlyMap<string, V>, expected: ReadonlyMap<string, V>): void {
  const keys = [...new Set([...found.keys(), ...expected.keys()])]
  const text = (value: V | undefined): string => (value === undefined ? 'nothing' : JSON.stringify(sorted(value)))
  const wrong = keys.filter((key) => text(found.get(key)) !== text(expected.get(key)))
  const shown = wrong.slice(0, 5).map((key) => `${key}: ${text(found.get(key))} instead of ${text(expected.get(key))}`)
  expect({ what, objects: found.size, wrong: wrong.length, shown }).toEqual({
    what,
    objects: expected.size,
    wrong: 0,
    shown: [],
  })
}

const sorted = (value: unknown): unknown =>
  Object.fromEntries(Object.entries(value as object).sort(([a], [b]) => (a < b ? -1 : 1)))

async function latest<V>(log: LogClient, source: Topic<V>): Promise<Map<string, V>> {
  const found = new Map<string, V>()
  for await (const { key, value } of log.read(source)) {
    if (value === null) found.delete(String(key))
    else found.set(String(key), value)
  }
  return found
}

/** Records whose n is not one more than the last of its object: lost, doubled or late ones. */
async function outOfOrder(
  log: LogClient,
  source: Topic<{ key: string; n: number }>,
): Promise<{ records: number; wrong: string[] }> {
  const last = new Map<string, number>()
  const wrong: string[] = []
  let records = 0
  for await (const { value, record } of log.read(source)) {
    if (value === null) throw new Error(`${source.name}: a tombstone nobody wrote`)
    const { key, n } = value
    const due = (last.get(key) ?? 0) + 1
    if (n !== due && wrong.length < 5)
      wrong.push(`${key}: ${n} instead of ${due} at ${record.partition}@${record.offset}`)
    last.set(key, n)
    records++
  }
  return { records, wrong }
}
