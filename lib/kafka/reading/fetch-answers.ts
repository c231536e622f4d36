import { MillraceError, reasonOf } from '../../core/errors.js'
import { type Offset, offsetOf } from '../../core/record.js'
import { batchEnd, nextOffsetAt, verifyBatch } from '../../log/format/batch-header.js'
import { loadCompressions } from '../../log/compression/compression.js'
import type { Isolation } from '../../log/port.js'
import type { Channel } from '../connection/channel.js'
import { Code, isRetriable } from '../connection/error-codes.js'
import { refused } from '../connection/refusal.js'
import { logEnds } from '../connection/per-leader.js'
import type { FetchedPartition } from '../protocol/fetch.js'
import type { Reading } from './readings.js'

/** What an answer for one partition was asked with. */
export interface Asked {
  readonly from: Offset
  readonly isolation: Isolation
}

/** What a broker answered for a partition becomes what is ready for it, or its failure; or it is to be asked again. */
export async function takeAnswer(
  channel: Channel,
  reading: Reading,
  { from, isolation }: Asked,
  answer: FetchedPartition,
): Promise<void> {
  const { topic, partition } = reading
  const { errorCode, aborted, highWatermark, lastStableOffset } = answer
  reading.heldBelow = undefined
  if (errorCode === Code.offsetOutOfRange) return await takeOutOfRange(channel, reading)
  if (errorCode !== Code.none) return takeRefusal(channel, reading, errorCode)
  let end: WholeBatches
  let bytes: Buffer
  try {
    end = wholeBatches(answer.bytes, from)
    if (channel.checksCrcs && isDamaged(reading, answer.bytes, end.size)) return
    if (end.nextOffset === from) {
      const isHeld = isolation === 'committed' && lastStableOffset <= from && highWatermark > from
      if (isHeld) reading.heldBelow = highWatermark
      return
    }
    bytes = answer.bytes.subarray(0, end.size)
    const loading = loadCompressions(bytes)
    if (loading !== undefined) await loading
  } catch (error) {
    reading.failure = failedFetch(reading, error)
    return
  }
  const to = end.nextOffset
  reading.position = to
  reading.ready = { topic, partition, bytes, from, to, isolation, aborted, highWatermark, lastStableOffset }
}

/** What is not a `MillraceError` yet becomes one that names the partition and where it was read. */
export function failedFetch({ topic, partition, position }: Reading, error: unknown): MillraceError {
  if (MillraceError.is(error)) return error
  const what = `${topic}[${partition}]: fetching from ${position} failed: ${reasonOf(error)}`
  return new MillraceError('BATCH_CORRUPT', what, { topic, partition, offset: position, cause: error })
}

function takeRefusal(channel: Channel, reading: Reading, code: number): void {
  if (isRetriable(code)) return channel.map.forgetLeader(reading)
  const { topic, partition } = reading
  const facts = { todo: 'Look at the broker that leads it', topic, partition }
  reading.failure = refused(`Fetch of ${topic}[${partition}]`, code, { topic: [topic, 'Read'] }, facts)
}

/** The topic that this position is of is no more, and another has its name. */
export function madeAnew({ topic, partition, position }: Reading): MillraceError {
  const what = `${topic}[${partition}]: the topic was deleted and made anew, and offset ${position} is of the old one`
  const facts = { topic, partition, offset: position }
  return new MillraceError('OFFSET_OUT_OF_RANGE', `${what}. Decide where to begin in the new one.`, facts)
}

/** Below the start, beyond the end, or neither any more: brokers say the same for all. */
async function takeOutOfRange(channel: Channel, reading: Reading): Promise<void> {
  const { topic, partition, position } = reading
  const [start, end] = await Promise.all(
    (['start', 'end'] as const).map((which) => logEnds(channel, [{ topic, partition }], which, 'all')),
  )
  const first = offsetOf(start!, topic, partition) ?? 0
  const last = offsetOf(end!, topic, partition) ?? 0
  // The log moved meanwhile, as when a new leader takes over: asking again will tell.
  if (position >= first && position <= last) return await channel.clock.sleep(20, channel.closed)
  const why = position < first ? 'deleted by retention or DeleteRecords' : 'the topic was made anew or lost its end'
  const what = `${topic}[${partition}]: offset ${position} is outside of ${first} to ${last}: ${why}. Assign an offset inside.`
  reading.failure = new MillraceError('OFFSET_OUT_OF_RANGE', what, { topic, partition, offset: position })
}

/** How far the whole batches at the beginning of some bytes go. */
interface WholeBatches {
  /** Of the bytes; what is behind it is a batch that was cut off. */
  readonly size: number
  /** Where to fetch on, or `from` when there is no whole batch. */
  readonly nextOffset: Offset
}

/** An answer that was damaged on its way is whole when it is asked for again; a log that is damaged stays so. */
const mostFetchesOfDamage = 3

/**
 * Checks the CRC of each batch: 0.07 µs for a record of 150 bytes (see `crc32c`), about 5 % of what a record costs in all. True
 * when they are to be fetched again. Throws `BATCH_CORRUPT` when that has been tried often enough.
 */
function isDamaged(reading: Reading, bytes: Buffer, size: number): boolean {
  try {
    for (let at = 0; at < size; at = batchEnd(bytes, at)) verifyBatch(bytes, at)
    reading.damaged = 0
    return false
  } catch (error) {
    reading.damaged++
    if (reading.damaged < mostFetchesOfDamage) return true
    const { topic, partition, position } = reading
    const what = `${topic}[${partition}]: ${reasonOf(error)} So it was in each of ${mostFetchesOfDamage} fetches from ${position}: the leader's log is damaged. Look at it with kafka-dump-log, and let a replica that is whole lead the partition; or, to read it as it is, set checkCrcs: false.`
    throw new MillraceError('BATCH_CORRUPT', what, { topic, partition, offset: position, cause: error })
  }
}

/** Walks the headers of fetched batches: about 20 ns a batch, nothing per record. Throws `BATCH_CORRUPT`. */
function wholeBatches(bytes: Buffer, from: Offset): WholeBatches {
  let size = 0
  let nextOffset = from
  for (let end = batchEnd(bytes, 0); end >= 0; end = batchEnd(bytes, size)) {
    nextOffset = Math.max(nextOffset, nextOffsetAt(bytes, size))
    size = end
  }
  return { size, nextOffset }
}
