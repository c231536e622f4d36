import { stderrLogger, type Logger } from '../core/logger.js'
import { MillraceError } from '../core/errors.js'
import { checkOptions, logger, required, text, type Rules } from '../core/options.js'
import { allPartitions, offsetOf, PositionMap } from '../core/record.js'
import { kafkaLog } from '../kafka/kafka-log.js'
import type { KafkaOptions } from '../kafka/connection/options.js'
import { BatchRules } from '../log/batch-rules.js'
import { recordCursor } from '../log/cursor.js'
import { loadCompressions } from '../log/compression/compression.js'
import { partitionOfKey } from '../log/murmur2.js'
import type { CommitChannel, Fetched, Log, LogPort, RecordCursor, TopicInfo } from '../log/port.js'
import { checkAppId, deadLetterTopic, inboxTopic } from '../model/names.js'
import { letterIn } from '../turn/failing/letter.js'
import { keyBytes, valueBytes } from '../turn/kept/record-bytes.js'
import { packHop } from '../turn/output/hop.js'
import { Outbox } from '../turn/output/outbox.js'
import { asPort } from './logs.js'
import { kafka, log } from './options.js'
import { readAgain } from './read-again.js'

export interface ReplayOptions {
  /** The id of the app whose dead letters these are. It may run meanwhile, or be started later. */
  readonly id: string
  readonly kafka?: KafkaOptions
  /** Instead of `kafka`. */
  readonly log?: Log
  readonly logger?: Logger
}

/** What a replay has done. */
export interface ReplayReport {
  /** Dead letters on their way back to their objects. */
  readonly replayed: number
  /** Objects they belong to. */
  readonly objects: number
  /**
   * Letters that have no object to go back to, such as values that cannot be read, and those too large for a letter whose record
   * is not in its topic any more: they stay where they are.
   */
  readonly left: number
}

const rules: Rules<ReplayOptions> = { id: required(text), kafka, log, logger }

/** Replays fence each other by their transactional id. */
const nobody = { generationId: -1, memberId: '', withoutMembers: true } as const
const maxBytes = 1 << 20
const transactionTimeoutMs = 60_000

/**
 * Sends the dead letters of an app, up to those there now, back to their objects, in order and each once: what was sent
 * back is remembered, as the committed offsets of group `<id>-replay`. An object is out of quarantine when its last
 * letter has succeeded; records that come for it meanwhile wait. Call it again until it replays none: letters can come
 * while it works. Two replays of one app at a time are refused by the broker: the first ends with `FENCED`.
 *
 * Rejects with `TOPIC_MISSING` when there is no such app, with `RECORD_TOO_LARGE` for a letter that an inbox does not take (raise
 * its `max.message.bytes` and call again), and with what the log refuses.
 */
export async function replayDeadLetters(options: ReplayOptions): Promise<ReplayReport> {
  checkOptions('replayDeadLetters', options, rules)
  checkAppId(options.id)
  const { id, logger = stderrLogger } = options
  if ((options.kafka === undefined) === (options.log === undefined))
    throw new MillraceError('OPTIONS_INVALID', 'replayDeadLetters: give either kafka: { brokers } or log')
  const own = options.kafka === undefined ? undefined : kafkaLog(options.kafka, { logger })
  try {
    return await replay(own ?? asPort(options.log), id)
  } finally {
    await own?.[Symbol.asyncDispose]()
  }
}

async function replay(log: LogPort, app: string): Promise<ReplayReport> {
  const topic = deadLetterTopic(app)
  const partitions = allPartitions(topic, (await infoOf(log, topic, app)).partitions)
  const group = `${app}-replay`
  // First: from here on no other replay commits anything.
  await using channel = await log.transactions({ id: group, timeoutMs: transactionTimeoutMs })
  const committed = await log.admin.stableCommitted(group, partitions)
  const starts = await log.admin.startOffsets(partitions)
  const ends = await log.admin.endOffsets(partitions, 'committed')
  const from = (partition: number): number =>
    Math.max(offsetOf(committed, topic, partition) ?? 0, offsetOf(starts, topic, partition) ?? 0)
  const behind = partitions.filter(({ partition }) => from(partition) < (offsetOf(ends, topic, partition) ?? 0))
  const left = new Map(behind.map(({ partition }) => [partition, offsetOf(ends, topic, partition) ?? 0]))
  const sender = new Sender(log, app, group, channel)
  await using fetcher = log.fetcher({ isolation: 'committed', purpose: 'restore', maxBytes })
  fetcher.assign(PositionMap.of(behind.map(({ partition }) => [topic, partition, from(partition)] as const)).topics)
  while (left.size > 0) {
    for (const fetched of await fetcher.next(new AbortController().signal)) {
      const end = left.get(fetched.partition)
      if (end === undefined) continue
      await sender.send(fetched, end)
      if (fetched.to < end) continue
      left.delete(fetched.partition)
      fetcher.pause(fetched)
    }
  }
  return sender.report
}

/** Sends letters back, a fetched answer in a transaction. */
class Sender {
  readonly #log: LogPort
  readonly #app: string
  readonly #group: string
  readonly #channel: CommitChannel
  readonly #objects = new Set<string>()
  readonly #rules = new BatchRules()
  readonly #counts = new Map<string, number>()
  #replayed = 0
  #left = 0

  constructor(log: LogPort, app: string, group: string, channel: CommitChannel) {
    this.#log = log
    this.#app = app
    this.#group = group
    this.#channel = channel
  }

  get report(): ReplayReport {
    return { replayed: this.#replayed, objects: this.#objects.size, left: this.#left }
  }

  async send(fetched: Fetched, end: number): Promise<void> {
    await loadCompressions(fetched.bytes)
    const cursor = recordCursor(fetched)
    const outbox = new Outbox(this.#rules, Infinity)
    while (cursor.next() && cursor.offset < end) await this.#add(outbox, cursor)
    const batches = outbox.finish()
    const touched = new Map(batches.map(({ topic, partition }) => [`${topic} ${partition}`, { topic, partition }]))
    await this.#channel.begin([...touched.values()], this.#group)
    await Promise.all(batches.map(({ topic, partition, batch }) => this.#channel.append({ topic, partition }, batch)))
    const positions = PositionMap.of([[fetched.topic, fetched.partition, Math.min(end, fetched.to)]])
    await this.#channel.offsets({ ...nobody, group: this.#group }, positions.topics)
    await this.#channel.commit()
  }

  async #add(outbox: Outbox, cursor: RecordCursor): Promise<void> {
    const letter = letterIn(this.#app, {
      key: keyBytes(cursor),
      value: valueBytes(cursor),
      headers: cursor.headerSection(),
    })
    const record = letter?.isIncomplete === true ? await readAgain(this.#log, letter.turn.record) : letter?.turn.record
    if (letter === undefined || record === undefined) {
      this.#left++
      return
    }
    const inbox = inboxTopic(this.#app, letter.kind)
    const count = this.#counts.get(inbox) ?? (await this.#lookUp(inbox))
    const { key, placedBy } = letter
    const headers = packHop({ ...letter.turn, record })
    const why = outbox.misfit(inbox, key, record.value, headers, Infinity)
    if (why !== undefined)
      throw new MillraceError('RECORD_TOO_LARGE', `a replayed dead letter to ${inbox}: the record ${why}`, {
        topic: inbox,
        key,
      })
    outbox.add(inbox, partitionOfKey(placedBy, count), key, record.value, cursor.timestamp, headers)
    this.#replayed++
    this.#objects.add(`${letter.kind} ${letter.key}`)
  }

  async #lookUp(inbox: string): Promise<number> {
    const { partitions, configs } = await infoOf(this.#log, inbox, this.#app)
    this.#rules.note(inbox, configs)
    this.#rules.pack(inbox, 'gzip', configs)
    this.#counts.set(inbox, partitions)
    return partitions
  }
}

async function infoOf(log: LogPort, topic: string, app: string): Promise<TopicInfo> {
  const info = (await log.admin.describe([topic])).get(topic)
  if (info !== undefined) return info
  throw new MillraceError('TOPIC_MISSING', `there is no topic '${topic}': has an app with id '${app}' ever run here?`, {
    topic,
  })
}
