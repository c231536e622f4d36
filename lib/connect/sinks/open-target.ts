import { MillraceError } from '../../core/errors.js'
import { offsetOf } from '../../core/record.js'
import type { CommittedOffset, TopicInfo } from '../../log/port.js'
import type { Surroundings } from './beginning.js'
import { settle } from './settle.js'
import type { SinkParts } from './sink-parts.js'
import { targetOf, type Target } from './target.js'
import type { UserCalls } from './user-calls.js'

export interface OpenedTarget {
  readonly target: Target
  /** Where the sink may begin, and what is committed of it. */
  readonly at: Surroundings
}

/**
 * Finds out what there is to read and what is committed, and only then opens the target: what another has committed before is in both.
 * `signal`: for the connector. Rejects with what the log, or the connector, has failed with; then nothing is open.
 */
export async function openTarget(
  parts: SinkParts,
  partition: number,
  calls: UserCalls,
  signal: AbortSignal,
  where: string,
): Promise<OpenedTarget> {
  const { connector, format, name, logger } = parts
  const at = await lookAround(parts, partition)
  const context = { sink: name, topic: format.name, partition, signal, logger }
  const late = (opened: unknown): void => void closeLate(opened)
  const target = targetOf(await calls.call<unknown>('open', () => connector.open(context), late), where)
  try {
    if (target.twoPhase !== undefined) await settle(target.twoPhase, parts, calls, at, where)
    return { target, at }
  } catch (error) {
    await calls.call('close', () => target.close()).catch(() => undefined)
    throw error
  }
}

async function lookAround({ admin, format, offsets, rules }: SinkParts, partition: number): Promise<Surroundings> {
  const { name: topic } = format
  const { id: topicId, partitions } = await topicInfo(admin, topic)
  const at = [{ topic, partition }]
  // What has been written in this process, and is not committed yet.
  await offsets.flush()
  let committed: CommittedOffset | undefined = await offsets.load(partitions, topicId)
  const start = offsetOf(await admin.startOffsets(at), topic, partition) ?? 0
  const end = offsetOf(await admin.endOffsets(at, 'all'), topic, partition) ?? 0
  if (committed === undefined && rules.begin === 'latest' && offsets.hadAtFirst) {
    const offset = offsetOf(await admin.endOffsets(at, 'committed'), topic, partition) ?? 0
    // Now: else what comes before the first commit would be skipped after a crash.
    await offsets.commit(offset)
    committed = { topic, partition, offset, note: '' }
  }
  return { topic, partition, topicId, start, end, committed }
}

async function topicInfo(admin: SinkParts['admin'], topic: string): Promise<TopicInfo> {
  const info = (await admin.describe([topic])).get(topic)
  if (info !== undefined) return info
  const what = `topic '${topic}' does not exist any more. Create it; it is looked for again.`
  throw new MillraceError('TOPIC_MISSING', what, { topic })
}

/** What was opened after it had been given up. */
async function closeLate(opened: unknown): Promise<void> {
  try {
    await targetOf(opened, '').close()
  } catch {
    // Nobody waits for it.
  }
}
