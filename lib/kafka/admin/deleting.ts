import type { TopicPartition } from '../../core/record.js'
import type { Channel } from '../connection/channel.js'
import { Code, isRetriableByController } from '../connection/error-codes.js'
import { TryAgain } from '../connection/insist.js'
import { refused } from '../connection/refusal.js'
import { metadata, type MetadataResponse } from '../protocol/metadata.js'
import { offsetDelete } from '../protocol/offsets.js'
import { deleteTopics as deleteTopicsApi } from '../protocol/topics.js'

const deleteMs = 30_000

/** See `LogAdmin`. Tried again, a topic that the attempt before has deleted does not exist, which is what was wanted. */
export async function deleteTopics(channel: Channel, topics: readonly string[]): Promise<void> {
  let left = topics
  await channel.insist(`delete ${topics.join(', ')}`, async () => {
    const { controllerId } = await channel.metadata([])
    const body = { topics: left, timeoutMs: deleteMs }
    const results = await channel.request(controllerId, deleteTopicsApi, body, { timeoutMs: deleteMs + 5_000 })
    const again: string[] = []
    for (const { name, errorCode, errorMessage } of results) {
      if (errorCode === Code.none || errorCode === Code.unknownTopicOrPartition) continue
      if (isRetriableByController(errorCode)) again.push(name)
      else throw notDeleted(name, errorCode, errorMessage)
    }
    left = again
    if (left.length > 0) throw new TryAgain(`DeleteTopics of ${again.join(', ')} is not done`)
  })
  await unknownToAll(channel, topics)
}

function notDeleted(topic: string, code: number, detail: string | null): Error {
  const said = detail === null ? '' : `${detail.replace(/\.$/, '')}. `
  const todo =
    code === Code.topicDeletionDisabled
      ? `${said}Set delete.topic.enable=true on the brokers, or delete it where that is done`
      : `${said}Look at the brokers`
  return refused(`DeleteTopics of ${topic}`, code, { topic: [topic, 'Delete'] }, { todo, topic })
}

/** Any broker may be asked next, and would give what it remembers of a topic that was. */
async function unknownToAll(channel: Channel, topics: readonly string[]): Promise<void> {
  await channel.insist(`brokers that do not know ${topics.join(', ')} any more`, async () => {
    const asked = [...channel.map.nodes.keys()].map((node) => channel.request(node, metadata, { topics }))
    for (const answer of await Promise.allSettled(asked)) if (answer.status === 'fulfilled') demandUnknown(answer.value)
  })
}

function demandUnknown({ topics }: MetadataResponse): void {
  // What may not be described does not exist either, for all that can be known.
  const known = topics.find(({ errorCode }) => errorCode === Code.none)
  if (known !== undefined) throw new TryAgain(`${known.name} is being deleted`)
}

/** See `LogAdmin`. */
export async function forgetOffsets(
  channel: Channel,
  group: string,
  partitions: readonly TopicPartition[],
): Promise<void> {
  const body = { group, partitions }
  const answer = await channel.toCoordinator(['group', group], offsetDelete, body, ({ errorCode }) => errorCode)
  const codes = [answer, ...answer.partitions]
  // A group that does not exist has none, and those of a topic that does not went with it.
  const fine: readonly number[] = [Code.none, Code.groupIdNotFound, Code.unknownTopicOrPartition]
  const failed = codes.find(({ errorCode }) => !fine.includes(errorCode))
  if (failed === undefined) return
  const where = 'topic' in failed ? failed : undefined
  const what = `OffsetDelete of ${where === undefined ? '' : `${where.topic}[${where.partition}] of `}group ${group}`
  const todo = `Stop all who are in the group, and wait until it is empty`
  const needs = {
    group: [group, 'Delete'] as const,
    ...(where === undefined ? {} : { topic: [where.topic, 'Read'] as const }),
  }
  throw refused(what, failed.errorCode, needs, { todo, ...(where === undefined ? {} : { topic: where.topic }) })
}
