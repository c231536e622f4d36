import type { TwoPhase } from '../sink.js'
import { noteIn, type Surroundings } from './beginning.js'
import type { SinkParts } from './sink-parts.js'
import { idsBegin, ownIds } from './target.js'
import type { UserCalls } from './user-calls.js'

/** Ends what the last owner of a partition has prepared: the batch whose offsets were committed is committed, all others are aborted. */
export async function settle(
  target: TwoPhase,
  { app, name, offsets }: Pick<SinkParts, 'app' | 'name' | 'offsets'>,
  calls: UserCalls,
  { topic, partition, topicId, start, committed }: Surroundings,
  where: string,
): Promise<void> {
  const pending: unknown = await calls.call('pending', () => target.pending())
  const ids = ownIds(pending, idsBegin(app, name, topic, partition), where)
  if (ids.length === 0) return
  const note = noteIn(committed?.note ?? '')
  const decided = note.topic === topicId ? note.batch : undefined
  // Who was thrown out of the group and has not heard of it would abort what the next owner has prepared: it is refused here.
  await offsets.commit(committed?.offset ?? start, decided)
  for (const id of ids)
    if (id === decided) await calls.call(`commit of ${id}`, () => target.commit(id))
    else await calls.call(`abort of ${id}`, () => target.abort(id))
}
