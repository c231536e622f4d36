import { MillraceError } from '../../core/errors.js'
import type { TopicPartition } from '../../core/record.js'
import type { NewTopic, TopicInfo } from '../../log/port.js'
import type { Channel } from '../connection/channel.js'
import { Code, isRetriable, isRetriableByController } from '../connection/error-codes.js'
import { refused, type Needs } from '../connection/refusal.js'
import { TryAgain } from '../connection/insist.js'
import { logEnds } from '../connection/per-leader.js'
import { metadata, type MetadataResponse } from '../protocol/metadata.js'
import { createTopics, describeConfigs } from '../protocol/topics.js'

const createMs = 30_000
/** A deletion takes a second or so, unless a broker that has to take part is away. */
const goneMs = 30_000

export async function describeTopics(
  channel: Channel,
  topics: readonly string[],
): Promise<ReadonlyMap<string, TopicInfo | undefined>> {
  if (topics.length === 0) return new Map()
  return await channel.insist(`describe ${topics.join(', ')}`, async () => {
    const { topics: found } = await channel.metadata(topics)
    const infos = new Map<string, TopicInfo | undefined>(topics.map((topic) => [topic, undefined]))
    const existing = found.filter((topic) => topic.errorCode !== Code.unknownTopicOrPartition)
    for (const { name, errorCode } of existing)
      mustBeFine(errorCode, `Metadata of ${name}`, { topic: [name, 'Describe'] })
    if (existing.length === 0) return infos
    const configs = await channel.askAny(describeConfigs, { topics: existing.map(({ name }) => name) })
    const configsOf = new Map(configs.map((described) => [described.topic, described]))
    for (const { name, id, partitions } of existing) {
      const described = configsOf.get(name)
      // Deleted in between: as if it had not been found.
      if (described === undefined || described.errorCode === Code.unknownTopicOrPartition) continue
      // Without the permission there are no settings to see, and what topics usually have is worked with.
      if (described.errorCode !== Code.topicAuthorizationFailed)
        mustBeFine(described.errorCode, `DescribeConfigs of ${name}`, {}, described.errorMessage)
      infos.set(name, { id, partitions: partitions.length, configs: described.configs })
    }
    return infos
  })
}

export async function listTopics(channel: Channel, prefix: string): Promise<readonly string[]> {
  const { topics } = await channel.insist('list topics', () => channel.metadata(null))
  return topics.map(({ name }) => name).filter((name) => name.startsWith(prefix))
}

export async function makeTopics(channel: Channel, topics: readonly NewTopic[]): Promise<void> {
  let left = topics
  const patience = new DeletionPatience(channel)
  await channel.insist(`create ${topics.map(({ name }) => name).join(', ')}`, async () => {
    if (left.length === 0) return
    const { controllerId } = await channel.metadata([])
    const body = { topics: left, timeoutMs: createMs }
    const results = await channel.request(controllerId, createTopics, body, { timeoutMs: createMs + 5_000 })
    const again: string[] = []
    const existing = results.filter(({ errorCode }) => errorCode === Code.topicExists).map(({ name }) => name)
    // Also while it is being deleted: it is to be made when that is done.
    again.push(...(await patience.notThere(existing)))
    for (const { name, errorCode, errorMessage } of results) {
      if (errorCode === Code.topicExists) continue
      if (isRetriableByController(errorCode)) again.push(name)
      else mustBeFine(errorCode, `CreateTopics of ${name}`, { topic: [name, 'Create'] }, errorMessage)
    }
    left = left.filter(({ name }) => again.includes(name))
    if (left.length > 0) throw new TryAgain(`CreateTopics of ${again.join(', ')} is not done`)
  })
  await leadersReady(channel, topics)
}

/**
 * Topics that brokers neither make, because they exist, nor know: while they are deleted, which brokers with ZooKeeper do not
 * always finish.
 */
class DeletionPatience {
  readonly #channel: Channel
  #since: number | undefined

  constructor(channel: Channel) {
    this.#channel = channel
  }

  /** Those of these that brokers do not know. Throws `TOPIC_MISSING` when there have been some for too long. */
  async notThere(existing: readonly string[]): Promise<readonly string[]> {
    const { topics } = existing.length === 0 ? { topics: [] } : await this.#channel.metadata(existing)
    const gone = topics.filter(({ errorCode }) => errorCode === Code.unknownTopicOrPartition).map(({ name }) => name)
    if (gone.length === 0) this.#since = undefined
    else if (this.#channel.clock.elapsed() - (this.#since ??= this.#channel.clock.elapsed()) > goneMs)
      throw stuckInDeletion(gone[0] as string)
    return gone
  }
}

function stuckInDeletion(topic: string): MillraceError {
  const what = `topic '${topic}' cannot be made, since brokers say that it exists, nor used, since they do not know it, for ${goneMs / 1_000} s: it is being deleted and that does not end`
  const todo = `Usually a broker that has a replica of it is away: start the brokers that are missing, so that the deletion ends, and start again`
  return new MillraceError('TOPIC_MISSING', `${what}. ${todo}.`, { topic })
}

/**
 * Waits until every partition has a leader that knows it is one, by asking it for its end: a produce would succeed now. And
 * until every broker knows the topics, as any of them may be asked next.
 */
async function leadersReady(channel: Channel, topics: readonly NewTopic[]): Promise<void> {
  const names = topics.map(({ name }) => name)
  const partitions = await channel.insist(`leaders of ${names.join(', ')}`, async () => {
    const known = await channel.metadata(names)
    return topics.flatMap(({ name }) => partitionsWithLeaders(known, name))
  })
  await logEnds(channel, partitions, 'end', 'all')
  await channel.insist(`brokers that know ${names.join(', ')}`, async () => {
    const asked = [...channel.map.nodes.keys()].map((node) => channel.request(node, metadata, { topics: names }))
    for (const answer of await Promise.allSettled(asked)) {
      // One that does not answer now will not be the one that is asked next.
      if (answer.status === 'fulfilled') for (const name of names) partitionsWithLeaders(answer.value, name)
    }
  })
}

function partitionsWithLeaders({ topics }: MetadataResponse, name: string): TopicPartition[] {
  const found = topics.find((topic) => topic.name === name)
  if (found === undefined || isRetriable(found.errorCode)) throw new TryAgain(`${name} is being made`)
  mustBeFine(found.errorCode, `Metadata of ${name}`, { topic: [name, 'Describe'] })
  if (found.partitions.some(({ leader }) => leader < 0)) throw new TryAgain(`${name} has partitions without a leader`)
  return found.partitions.map(({ partition }) => ({ topic: name, partition }))
}

function mustBeFine(code: number, what: string, needs: Needs, detail: string | null = null): void {
  if (code === Code.none) return
  if (isRetriable(code)) throw TryAgain.because(code)
  const topic = needs.topic?.[0]
  const todo = `${detail === null ? '' : `${detail.replace(/\.$/, '')}. `}Check the settings of the topic`
  throw refused(what, code, needs, { todo, ...(topic === undefined ? {} : { topic }) })
}
