import { MillraceError } from '../../core/errors.js'
import { kindOf } from '../../core/record-checks.js'
import type { Offset, TopicPartition } from '../../core/record.js'

/** Where records are that were just written. */
export interface Written extends TopicPartition {
  /** Of the last one in the partition that is known. */
  readonly offset: Offset
  /** So many further ones may follow it. @default 0 */
  readonly more?: number
}

/** What a token says: of each topic its id, where whoever wrote knew it, and what was written in each partition: up to an offset, and perhaps so many more. */
export interface TokenTopic {
  readonly topic: string
  readonly id: string | undefined
  readonly last: readonly (readonly [partition: number, offset: Offset, more: number])[]
}

/** An answer of a producer: kafkajs's `RecordMetadata`, or any object with these fields. */
export interface ProducerAnswer {
  /** Or `topic`. */
  readonly topicName?: string | undefined
  readonly topic?: string | undefined
  readonly partition: number
  /** Of the first record of the batch: a whole number, as text, number or bigint. Or `offset`. */
  readonly baseOffset?: string | number | bigint | undefined
  readonly offset?: string | number | bigint | undefined
}

const mark = 'mr1.'
/** One of 1,000 partitions has some 15,000 characters. */
const longest = 1 << 18
/** No topic has more partitions. */
const mostPartitions = 2 ** 31 - 1

export function writeToken(topics: readonly TokenTopic[]): string {
  const parts = topics.map(({ topic, id, last }) => {
    const places = last.map(([partition, offset, more]) =>
      more === 0 ? [partition, offset] : [partition, offset, more],
    )
    return id === undefined ? [topic, places] : [topic, places, id]
  })
  return mark + Buffer.from(JSON.stringify(parts)).toString('base64url')
}

/**
 * A token of what a producer has just been told it has written: reads that are given it (`get(key, { after: token })`) see what
 * became of those records. Takes the answer of `send` of kafkajs, a list of `RecordMetadata`, or one object with topic,
 * partition and offset. `records`: how many messages one `send` had: Kafka answers with the offset of the first one in each
 * partition only. Throws `OPTIONS_INVALID`.
 *
 * ```ts
 * const token = commitToken(await producer.send({ topic: 'orders', messages: [order] }))
 * await app.state(account).get(order.key, { after: token })
 * ```
 */
export function commitToken(answer: ProducerAnswer | readonly ProducerAnswer[], records = 1): string {
  if (!Number.isSafeInteger(records) || records < 1)
    throw refused(`records is ${kindOf(records)}; give how many were sent, 1 at least`)
  const written = (Array.isArray(answer) ? answer : [answer]).map((one) => writtenBy(one, records))
  return tokenOf(written)
}

/** `ids`: of topics, where they are known. */
export function tokenOf(written: readonly Written[], ids: ReadonlyMap<string, string> = new Map()): string {
  const topics = new Map<string, (readonly [number, Offset, number])[]>()
  for (const { topic, partition, offset, more = 0 } of written) {
    const known = topics.get(topic)
    if (known === undefined) topics.set(topic, [[partition, offset, more]])
    else known.push([partition, offset, more])
  }
  return writeToken([...topics].map(([topic, last]) => ({ topic, id: ids.get(topic), last })))
}

function writtenBy(answer: ProducerAnswer, records: number): Written {
  const { topicName, topic = topicName, partition, baseOffset, offset = baseOffset } = answer ?? {}
  const first = typeof offset === 'string' && /^\d{1,16}$/.test(offset) ? Number(offset) : offset
  const at = typeof first === 'bigint' ? Number(first) : first
  if (typeof topic !== 'string' || topic === '') throw refused(`the topic of an answer is ${kindOf(topic)}`)
  if (!isWhole(partition, mostPartitions)) throw refused(`the partition of an answer is ${kindOf(partition)}`)
  if (!isWhole(at, Number.MAX_SAFE_INTEGER))
    throw refused(
      `the offset of an answer is ${typeof offset === 'string' ? `'${offset.slice(0, 40)}'` : kindOf(offset)}; a producer is told offsets when it asks for acknowledgement (acks: -1 or 1)`,
    )
  return { topic, partition, offset: at, more: records - 1 }
}

function refused(why: string): MillraceError {
  const what = "give what a producer's send answered: topic, partition and offset of records"
  return new MillraceError('OPTIONS_INVALID', `commitToken: ${why}; ${what}`)
}

/** Throws `TOKEN_INVALID`. */
export function readToken(token: unknown): readonly TokenTopic[] {
  if (typeof token !== 'string' || !token.startsWith(mark) || token.length > longest) throw malformed(token)
  try {
    const parts: unknown = JSON.parse(Buffer.from(token.slice(mark.length), 'base64url').toString('utf8'))
    if (!Array.isArray(parts)) throw malformed(token)
    return parts.map((part) => topicIn(part as unknown, token))
  } catch {
    throw malformed(token)
  }
}

function topicIn(part: unknown, token: string): TokenTopic {
  const [topic, last, id] = Array.isArray(part) ? (part as unknown[]) : []
  if (typeof topic !== 'string' || topic === '' || !Array.isArray(last)) throw malformed(token)
  if (id !== undefined && typeof id !== 'string') throw malformed(token)
  const offsets = (last as unknown[]).map((each) => {
    const [partition, offset, more = 0] = Array.isArray(each) ? (each as unknown[]) : []
    const { MAX_SAFE_INTEGER: most } = Number
    if (!isWhole(partition, mostPartitions) || !isWhole(offset, most) || !isWhole(more, most)) throw malformed(token)
    return [partition, offset, more] as const
  })
  return { topic, id, last: offsets }
}

const isWhole = (value: unknown, most: number): value is number =>
  Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= most

function malformed(token: unknown): MillraceError {
  const shown = typeof token === 'string' ? `'${token.slice(0, 24).toWellFormed()}'` : kindOf(token)
  return new MillraceError(
    'TOKEN_INVALID',
    `${shown} is no commit token: give one as \`log.send\` or \`commitToken\` gave it, unchanged`,
  )
}
