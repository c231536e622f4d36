import { stderrLogger, unfailing, type Logger } from '../core/logger.js'
import { cutText, MillraceError } from '../core/errors.js'
import { checkOptions, logger, required, text, type Rules } from '../core/options.js'
import { allPartitions, offsetOf } from '../core/record.js'
import { kafkaLog } from '../kafka/kafka-log.js'
import type { KafkaOptions } from '../kafka/connection/options.js'
import type { Log, LogPort, TopicInfo } from '../log/port.js'
import { checkAppId, deadLetterTopic } from '../model/names.js'
import { asPort } from './logs.js'
import { kafka, log } from './options.js'
import { checkSelection, selection, type ReplayReport, type ReplaySelection } from './replaying/selection.js'
import { Sender, type ReplayWatch } from './replaying/sender.js'
import { extentsOf, recordsBefore } from '../log/client/extents.js'
import { eachAnswer, Survey, type Span } from './replaying/survey.js'

export type { ReplayReport, ReplaySelection }

export interface ReplayOptions extends ReplaySelection {
  /** The id of the app whose dead letters these are. It may run meanwhile, or be started later. */
  readonly id: string
  /** How to reach the cluster. */
  readonly kafka?: KafkaOptions
  /** Instead of `kafka`. */
  readonly log?: Log
  /** Where it says what it does. */
  readonly logger?: Logger
}

const rules: Rules<ReplayOptions> = { id: required(text), kafka, log, logger, ...selection }

const transactionTimeoutMs = 60_000

/**
 * Sends the dead letters of an app, up to those there now, back to their objects, in order; each has its turn once, however often it
 * is sent. How far this has gone is remembered, as the committed offsets of group `<id>-replay`: without `only` and `drop`
 * what has come since is sent, and what has failed again. An object is out of quarantine when its last letter has had its turn; records
 * that come for it meanwhile wait. Two replays of one app at a time are refused by the broker: the first ends with `FENCED`.
 *
 * Rejects with `OPTIONS_INVALID`; with `TOPIC_MISSING` when there is no such app; with `RECORD_TOO_LARGE` for a letter that the topic it goes
 * to does not take (raise its `max.message.bytes` and call again); with `STEP_FAILED` naming the letter where `edit` throws, `RECORD_INVALID` for headers it gives that have
 * no form; and with what the log refuses.
 */
export async function replayDeadLetters(options: ReplayOptions): Promise<ReplayReport> {
  checkOptions('replayDeadLetters', options, rules)
  checkSelection('replayDeadLetters', options)
  checkAppId(options.id)
  const { logger = stderrLogger } = options
  if ((options.kafka === undefined) === (options.log === undefined))
    throw new MillraceError('OPTIONS_INVALID', 'replayDeadLetters: give either kafka: { brokers } or log')
  const own = options.kafka === undefined ? undefined : kafkaLog(options.kafka, { logger })
  try {
    return await replay(own ?? asPort(options.log), options, { logger: unfailing(logger) })
  } finally {
    await own?.[Symbol.asyncDispose]()
  }
}

/** The same, told letter by letter. */
export async function replay(
  log: LogPort,
  options: Pick<ReplayOptions, 'id'> & ReplaySelection,
  watch: ReplayWatch,
): Promise<ReplayReport> {
  const { id, only, drop } = options
  const { logger } = watch
  const topic = deadLetterTopic(id)
  const info = (await log.admin.describe([topic])).get(topic)
  if (info === undefined)
    throw new MillraceError(
      'TOPIC_MISSING',
      `there is no topic '${topic}': has an app with id '${id}' ever run here?`,
      {
        topic,
      },
    )
  const group = `${id}-replay`
  // First: from here on no other replay commits anything.
  await using channel = await log.transactions({ id: group, timeoutMs: transactionTimeoutMs })
  const picks = only === undefined && drop === undefined ? undefined : [only, drop].filter((one) => one !== undefined)
  const fitting = new Set<object>()
  const sender = new Sender({ id, log, channel, group, options, watch, letters: info })
  for (const span of await spans(log, topic, info, group)) {
    const survey = new Survey(id, span, picks)
    await eachAnswer(log, span, survey.surveyed, (fetched) => {
      for (const cursor of recordsBefore(fetched, span.end)) survey.see(cursor)
    })
    for (const one of survey.fitting) fitting.add(one)
    sender.begin(span, survey)
    await eachAnswer(log, span, survey.from, (fetched) => sender.send(fetched))
  }
  for (const [name, wanted] of Object.entries({ only, drop }))
    if (wanted !== undefined && !fitting.has(wanted))
      logger.warn(
        { topic },
        `replayDeadLetters: none of the dead letters in ${topic} is one that '${name}' asks for, ${asked(wanted)}`,
      )
  return sender.report
}

/** As somebody has written it who may have mistyped it. */
const asked = (wanted: object): string => cutText(JSON.stringify(wanted), longestAsked)
const longestAsked = 500

async function spans(log: LogPort, topic: string, info: TopicInfo, group: string): Promise<readonly Span[]> {
  const partitions = allPartitions(topic, info.partitions)
  const committed = await log.admin.stableCommitted(group, partitions)
  return (await extentsOf(log.admin, partitions)).map((extent) => {
    const { partition, start } = extent
    return { ...extent, position: Math.max(offsetOf(committed, topic, partition) ?? 0, start) }
  })
}
