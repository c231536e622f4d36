import { topic, text, type Topic } from 'millrace'
import { allPartitions } from '../../lib/core/record.js'
import { consoleRecords } from '../kafka/console-consumer.js'
import { Digest } from '../oracle/digest.js'
import { alarmEvery } from '../oracle/program.js'
import { rawRecords, type RawRecords } from '../oracle/raw-batches.js'
import { demandSame, Divergence } from './divergence.js'
import { endsOf } from './positions.js'
import { until } from './waiting.js'
import type { ChaosWorld } from './world.js'

/**
 * After the last process has ended: everything it left in topics is what the input asks for, for us and for Kafka's own
 * consumer. Throws the first `Divergence`.
 */
export async function finalCheck(world: ChaosWorld, say: (what: string) => void): Promise<RawRecords> {
  const { log, topics, input, options } = world
  await demandNoOpenTransaction(world)
  say('no transaction is open')
  const { states } = input
  const changelog = await latest(world, topics.changelog)
  demandSame('changelog, latest per key', changelog.values, states, (key) => changelog.at.get(key))
  say('the changelog is as it should be')
  const rows = await latest(world, topics.rows)
  const expected = new Map([...states].map(([key, state]) => [key, { key, ...state }] as const))
  demandSame('published rows, latest per key', rows.values, expected, (key) => rows.at.get(key))
  say('the published rows are as they should be')
  for await (const { value } of log.read(topics.errors)) throw new Divergence('refusals', 'any', undefined, value)
  await demandUpdates(world)
  say('the updates are as they should be')
  if (options.trouble > 0) {
    await demandAlarms(world)
    say('the alarms are as they should be')
  }
  await demandCopies(world)
  say('the copies are as they should be')
  for (const { name } of [topics.updates, topics.rows]) {
    await demandSameForJava(world, name)
    say(`the Java console consumer sees the same in ${name}`)
  }
  return rawRecords(log, allPartitions(topics.updates.name, options.partitions))
}

/** Dead transactions are ended by a takeover or by their time-out, of 10 s; brokers look for those every 10 s. */
async function demandNoOpenTransaction({ log, partitions }: ChaosWorld): Promise<void> {
  let open = ''
  const isNone = async (): Promise<boolean> => {
    const ends = await endsOf(log, partitions, 'all')
    const stable = await endsOf(log, partitions, 'committed')
    open = [...ends]
      .filter(([at, end]) => stable.get(at) !== end)
      .map(([at, end]) => `${at} ends at ${end} and is stable up to ${stable.get(at)}`)
      .join(', ')
    return open === ''
  }
  await until(45_000, () => `the end of all transactions: ${open}`, isNone)
}

async function latest<V>(
  { log }: ChaosWorld,
  source: Topic<V>,
): Promise<{ readonly values: ReadonlyMap<string, V>; readonly at: ReadonlyMap<string, string> }> {
  const values = new Map<string, V>()
  const at = new Map<string, string>()
  for await (const { key, value, record } of log.read(source)) {
    at.set(String(key), `${record.topic}[${record.partition}]@${record.offset}`)
    if (value === null) values.delete(String(key))
    else values.set(String(key), value)
  }
  return { values, at }
}

/** Per object 1, 2, 3, … to the last n that was fed. */
async function demandUpdates({ log, topics, input }: ChaosWorld): Promise<void> {
  const last = new Map<string, number>()
  for await (const { value, record } of log.read(topics.updates)) {
    const at = `${record.topic}[${record.partition}]@${record.offset}`
    if (value === null) throw new Divergence('updates', String(record.key), 'an update', 'a tombstone', at)
    const due = (last.get(value.key) ?? 0) + 1
    if (value.n !== due) throw new Divergence('updates, in order', value.key, due, value.n, at)
    last.set(value.key, value.n)
  }
  demandSame('updates, the last of each object', last, input.counts)
}

/** Per object increasing, only for records that set one, and in the end for the last that did. */
async function demandAlarms({ log, topics, input }: ChaosWorld): Promise<void> {
  const last = new Map<string, number>()
  for await (const { value, record } of log.read(topics.alarms)) {
    const at = `${record.topic}[${record.partition}]@${record.offset}`
    if (value === null) throw new Divergence('alarms', String(record.key), 'an alarm', 'a tombstone', at)
    const before = last.get(value.key) ?? 0
    if (value.n <= before || value.n % alarmEvery !== 0)
      throw new Divergence(
        'alarms, in order',
        value.key,
        `one after ${before} that can be divided by ${alarmEvery}`,
        value.n,
        at,
      )
    last.set(value.key, value.n)
  }
  const expected = [...input.counts].map(([key, n]) => [key, n - (n % alarmEvery)] as const).filter(([, n]) => n > 0)
  demandSame('alarms, the last of each object', last, new Map(expected))
}

/** Records without a key are spread over the partitions, so their order is not promised: each n of each object once. */
async function demandCopies({ log, topics, input }: ChaosWorld): Promise<void> {
  const { counts } = input
  const seen = new Map<string, Set<number>>()
  for await (const { value, record } of log.read(topics.copy)) {
    const at = `${record.topic}[${record.partition}]@${record.offset}`
    if (value === null) throw new Divergence('copy', String(record.key), 'a copy', 'a tombstone', at)
    const { key, n } = value
    let numbers = seen.get(key)
    if (numbers === undefined) seen.set(key, (numbers = new Set()))
    if (numbers.has(n) || n > (counts.get(key) ?? 0)) throw new Divergence('copy, each once', key, 'once', n, at)
    numbers.add(n)
  }
  const found = new Map([...seen].map(([key, numbers]) => [key, numbers.size]))
  demandSame('copy, records of each object', found, counts)
}

async function demandSameForJava({ log, brokers }: ChaosWorld, name: string): Promise<void> {
  const [ours, theirs] = [new Digest(), new Digest()]
  let records = 0
  for await (const { value, record } of log.read(topic(name, text()))) {
    ours.add({ ...record, value: String(value) })
    records++
  }
  for await (const record of consoleRecords(brokers.addresses, name, records)) theirs.add(record)
  demandSame(`what we read of ${name}, and the Java console consumer (expected)`, told(ours), told(theirs))
}

function told({ result }: Digest): ReadonlyMap<string, string> {
  const partitions = result.hashes.map((hash) => [`partition ${hash.split(' ')[0]}`, hash] as const)
  return new Map([['records', String(result.records)], ...partitions])
}
