import { systemClock } from '../../core/clock.js'
import { PositionMap, type Offset, type TopicPartition } from '../../core/record.js'
import { batchBuilder } from '../../log/batch-builder.js'
import { recordCursor } from '../../log/cursor.js'
import type { CommitChannel, Fetched, FinishedBatch, Isolation, LogPort } from '../../log/port.js'
import type { ContractLog } from './contract-log.js'

export { allPartitions } from '../../core/record.js'

/** A record as a reader saw it. */
export interface Row {
  readonly offset: Offset
  readonly timestamp: number
  readonly key: string | null
  readonly value: string | null
  readonly headers: Readonly<Record<string, string | null>>
}

/** Of records whose time does not matter. Not long ago: a broker deletes what is older than its retention, at any moment. */
export const someTime = systemClock.now()

export interface RowToWrite {
  readonly key?: string | null
  readonly value: string | null
  readonly timestamp?: number
  readonly headers?: ReadonlyMap<string, Uint8Array | null>
}

/** One batch; a string is a value without a key. */
export function batchOf(rows: readonly (string | RowToWrite)[]): FinishedBatch {
  const builder = batchBuilder()
  for (const row of rows) {
    const { key = null, value, timestamp = someTime, headers } = typeof row === 'string' ? { value: row } : row
    builder.add(key, value, timestamp, headers)
  }
  return builder.finish()
}

export async function newTopic(
  world: ContractLog,
  partitions = 1,
  configs: Readonly<Record<string, string>> = {},
): Promise<string> {
  const name = world.name('topic')
  await world.log.admin.create([{ name, partitions, replicationFactor: -1, configs }])
  return name
}

export function positionOf({ topic, partition }: TopicPartition, offset: Offset): PositionMap['topics'] {
  return PositionMap.of([[topic, partition, offset]]).topics
}

/** Appends on an idempotent channel, one cycle for all of it. */
export async function put(log: LogPort, partition: TopicPartition, ...batches: FinishedBatch[]): Promise<void> {
  await using channel = await log.idempotent()
  await channel.begin([partition], undefined)
  for (const batch of batches) await channel.append(partition, batch)
  await channel.commit()
}

export function transactionsOf(log: LogPort, id: string): Promise<CommitChannel> {
  return log.transactions({ id, timeoutMs: 60_000 })
}

export async function endOf(log: LogPort, partition: TopicPartition, isolation: Isolation): Promise<Offset> {
  const ends = await log.admin.endOffsets([partition], isolation)
  return known(ends.get(partition.topic)?.get(partition.partition))
}

/** Waits until no transaction is open on a partition: a commit is answered before its markers are written everywhere. */
export async function settled(log: LogPort, partition: TopicPartition): Promise<void> {
  await until(async () => (await endOf(log, partition, 'committed')) === (await endOf(log, partition, 'all')))
}

export function rowsOf(fetched: Fetched): Row[] {
  const rows: Row[] = []
  const cursor = recordCursor(fetched)
  while (cursor.next()) {
    const headers: Record<string, string | null> = {}
    for (const [name, value] of cursor.headers()) headers[name] = value === null ? null : Buffer.from(value).toString()
    rows.push({
      offset: cursor.offset,
      timestamp: cursor.timestamp,
      key: cursor.keyStart < 0 ? null : cursor.bytes.toString('utf8', cursor.keyStart, cursor.keyEnd),
      value: cursor.valueStart < 0 ? null : cursor.bytes.toString('utf8', cursor.valueStart, cursor.valueEnd),
      headers,
    })
  }
  expect(cursor.nextOffset).toBe(fetched.to)
  return rows
}

/** Everything a reader may see from `from` until the position reaches the end offset of `isolation`. */
export async function readAll(
  log: LogPort,
  partition: TopicPartition,
  isolation: Isolation = 'committed',
  { from = 0, maxBytes = 1_000_000 }: { readonly from?: Offset; readonly maxBytes?: number } = {},
): Promise<Row[]> {
  const end = await endOf(log, partition, isolation)
  await using fetcher = log.fetcher({ isolation, purpose: 'restore', maxBytes })
  fetcher.assign(positionOf(partition, from))
  const rows: Row[] = []
  let position = from
  while (position < end) {
    for (const fetched of await fetcher.next(soon())) {
      expect(fetched.from).toBe(position)
      rows.push(...rowsOf(fetched))
      position = fetched.to
    }
  }
  return rows
}

export async function valuesOf(
  log: LogPort,
  partition: TopicPartition,
  isolation: Isolation = 'committed',
): Promise<(string | null)[]> {
  return (await readAll(log, partition, isolation)).map((row) => row.value)
}

export function known<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('expected something, found undefined')
  return value
}

/** Asks again until the answer is yes; the test's own time limit ends it. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await systemClock.sleep(5)
}

/** Ends waits that should long be over, so that a test fails where it hangs. */
export function soon(): AbortSignal {
  return AbortSignal.timeout(30_000)
}
