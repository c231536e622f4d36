import type { CommittedOffset } from '../../log/port.js'
import type { TwoPhase } from '../sink.js'
import { noteIn } from './beginning.js'
import type { GroupOffsets } from './group-offsets.js'
import { idsBegin, ownIds } from './target.js'
import type { UserCalls } from './user-calls.js'

export interface Settled {
  readonly app: string
  readonly name: string
  readonly topic: string
  readonly partition: number
  readonly topicId: string
  readonly offsets: GroupOffsets
  readonly committed: CommittedOffset | undefined
  /** Where the group of the sink stands, or would begin. */
  readonly position: number
  readonly where: string
}

/** Ends what the last owner of a partition has prepared: the batch whose offsets were committed is committed, all others are aborted. */
export async function settle(target: TwoPhase, calls: UserCalls, at: Settled): Promise<void> {
  const { app, name, topic, partition, topicId, offsets, committed, position, where } = at
  const pending: unknown = await calls.call('pending', () => target.pending())
  const ids = ownIds(pending, idsBegin(app, name, topic, partition), where)
  if (ids.length === 0) return
  const note = noteIn(committed?.note ?? '')
  const decided = note.topic === topicId ? note.batch : undefined
  // Who was thrown out of the group and has not heard of it would abort what the next owner has prepared: it is refused here.
  await offsets.commit(partition, position, decided)
  for (const id of ids)
    if (id === decided) await calls.call(`commit of ${id}`, () => target.commit(id))
    else await calls.call(`abort of ${id}`, () => target.abort(id))
}
