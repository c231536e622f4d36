import { MillraceError } from '../../core/errors.js'
import type { Positions } from '../../core/record.js'
import type { Generation, OffsetNotes } from '../../log/port.js'
import { Code, isFenced, isRetriable, nameOf } from '../connection/error-codes.js'
import { refused } from '../connection/refusal.js'
import type { CommittedPosition } from '../protocol/offsets.js'
import type { PartitionResult } from '../protocol/transaction.js'

export function listPositions(positions: Positions, notes?: OffsetNotes): CommittedPosition[] {
  const list: CommittedPosition[] = []
  for (const [topic, partitions] of positions) {
    const note = notes?.get(topic) ?? ''
    for (const [partition, offset] of partitions) list.push({ topic, partition, offset, note })
  }
  return list
}

/**
 * One code for an answer about many partitions: what is definite comes before what may pass, and both before what was not
 * attempted, as that only says that another was refused.
 */
export function worstOf(results: readonly PartitionResult[]): number {
  let worst: number = Code.none
  for (const { errorCode } of results) if (weight(errorCode) > weight(worst)) worst = errorCode
  return worst
}

/** The first topic that has this code. */
export function topicWith(results: readonly PartitionResult[], code: number): string {
  return results.find(({ errorCode }) => errorCode === code)?.topic ?? ''
}

function weight(code: number): number {
  if (code === Code.none) return 0
  if (code === Code.operationNotAttempted) return 1
  return isRetriable(code) ? 2 : 3
}

/** What it means that a coordinator refused offsets. */
export function offsetsRefused(
  results: readonly PartitionResult[],
  { group, generationId, memberId }: Generation,
  id: string,
): MillraceError {
  const code = worstOf(results)
  const whose = `Offsets of group ${group}, generation ${generationId}, member ${memberId}`
  const who = `${whose}: ${nameOf(code)}`
  if (code === Code.illegalGeneration || code === Code.rebalanceInProgress) {
    return new MillraceError('GENERATION_STALE', `${who}. The group has had another round since.`)
  }
  if (code === Code.unknownMember || code === Code.fencedInstance) {
    return new MillraceError('MEMBER_UNKNOWN', `${who}. The group does not know this member any more.`)
  }
  if (isFenced(code)) return fencedError(code, id)
  const topic = topicWith(results, code)
  const needs = { topic: [topic, 'Read'], group: [group, 'Read'], transactionalId: [id, 'Write'] } as const
  return refused(whose, code, needs, { todo: 'Look at the broker that coordinates the group', topic })
}

export function fencedError(code: number, id: string): MillraceError {
  const why = 'Another process has taken it over, or its transaction took longer than its time-out'
  return new MillraceError('FENCED', `Transactional id ${id}: ${nameOf(code)}. ${why}.`)
}
