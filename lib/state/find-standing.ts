import { utf8Text } from '../core/bytes.js'
import { offsetOf, PositionMap } from '../core/record.js'
import { recordCursor } from '../log/cursor.js'
import type { Isolation, LogPort } from '../log/port.js'
import { isStandingKey, withStanding, type KnownStanding } from './standing.js'

/** Of one answer. */
const maxBytes = 1 << 20

export interface FindStanding {
  readonly log: LogPort
  /** The changelog that has it, and which partition. */
  readonly topic: string
  readonly partition: number
  readonly task: number
  /** `all`: waits for transactions that are open; `committed`: what can be read now. */
  readonly upTo: Isolation
  readonly signal: AbortSignal
}

/**
 * Reads a changelog for where a task stands that has no state rolled forward here: all of it, so only where nothing else says
 * so. Resolves to undefined when nothing was ever kept, or `signal` aborted.
 */
export async function findStanding(options: FindStanding): Promise<KnownStanding | undefined> {
  const { log, topic, partition, task, upTo, signal } = options
  const at = [{ topic, partition }]
  const end = offsetOf(await log.admin.endOffsets(at, upTo), topic, partition) ?? 0
  let position = offsetOf(await log.admin.startOffsets(at), topic, partition) ?? 0
  let standing: KnownStanding = { positions: {}, topics: undefined }
  await using fetcher = log.fetcher({ isolation: 'committed', purpose: 'restore', maxBytes })
  fetcher.assign(PositionMap.of([[topic, partition, position]]).topics)
  while (position < end) {
    const answers = await fetcher.next(signal)
    if (signal.aborted) return undefined
    for (const fetched of answers) {
      const cursor = recordCursor(fetched)
      while (cursor.next()) {
        if (cursor.keyStart < 0) continue
        const key = utf8Text(cursor.bytes, cursor.keyStart, cursor.keyEnd)
        if (!isStandingKey(key)) continue
        const value = cursor.valueStart < 0 ? '' : utf8Text(cursor.bytes, cursor.valueStart, cursor.valueEnd)
        standing = withStanding(standing, task, key, value)
      }
      position = fetched.to
    }
  }
  return standing.topics === undefined ? undefined : standing
}
