import { maxBatchBytes } from '../../log/batch-rules.js'
import type { NewTopic, TopicInfo } from '../../log/port.js'
import { changelogTopic, deadLetterTopic, inboxTopic, timerTopic } from '../../model/names.js'
import type { Program } from '../../model/program.js'

/** Where brokers may allow less. */
export const limitConfig = 'max.message.bytes'

/** What hosted brokers allow at most. */
const usualRoom = 8 << 20
/** For what comes with a record that is handed on: its coordinates, its object's key, an error. */
const headroom = 1 << 20
/** Kafka's numbers are of 32 bits. */
const mostRoom = 2 ** 31 - 1

/**
 * The largest record that a source takes must be able to go to another partition, to wait and to be refused, and the largest
 * state into its changelog: alone in a batch, as what is handed on is not known to pack as well as its source did.
 */
function roomFor({ maxRecordBytes }: OwnTopicsOptions, sources: Iterable<TopicInfo>): number {
  const largest = Math.max(maxRecordBytes, ...[...sources].map(({ configs }) => maxBatchBytes(configs)))
  return Math.min(mostRoom, Math.max(usualRoom, largest + headroom))
}

/** The clock of a broker need not be that of the app, which writes the times of its own topics. */
const anyTime = {
  'message.timestamp.type': 'CreateTime',
  'message.timestamp.before.max.ms': '9223372036854775807',
  'message.timestamp.after.max.ms': '9223372036854775807',
}

/** Brokers before 3.6 do not know the latter two, and would refuse the topic: what they know is what they say of a topic. */
function timesKnownTo([source]: Iterable<TopicInfo>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(anyTime).filter(([name]) => source?.configs.has(name)))
}

/** What the topics of an app are made from. */
export interface OwnTopicsOptions {
  readonly app: string
  readonly program: Program
  readonly replicationFactor: number
  readonly maxRecordBytes: number
}

/** The app's own topics, as it makes them; `sources` are the topics that it reads, as far as they are there. */
export function wantedTopics(
  options: OwnTopicsOptions,
  stateTasks: number,
  sources: ReadonlyMap<string, TopicInfo>,
): readonly NewTopic[] {
  const own = { [limitConfig]: String(roomFor(options, sources.values())), ...timesKnownTo(sources.values()) }
  return [...ownTopics(options, stateTasks, own)]
}

function* ownTopics(
  { app, program, replicationFactor }: OwnTopicsOptions,
  stateTasks: number,
  own: NewTopic['configs'] & { readonly [limitConfig]: string },
): Iterable<NewTopic> {
  const topic = (name: string, configs: NewTopic['configs'], partitions = stateTasks): NewTopic => {
    return { name, partitions, replicationFactor, configs: { ...configs, ...own } }
  }
  const changelog = {
    'cleanup.policy': 'compact',
    'segment.bytes': String(Math.max(64 << 20, Number(own[limitConfig]))),
    'min.cleanable.dirty.ratio': '0.2',
  }
  // Kept until trimmed: a record in an inbox is input that may not have had its turn.
  const inbox = { 'cleanup.policy': 'delete', 'retention.ms': '-1', 'retention.bytes': '-1' }
  // Kept until somebody has seen to them.
  const letters = { 'cleanup.policy': 'delete', 'retention.ms': '-1' }
  for (const { name } of program.kinds) {
    yield topic(changelogTopic(app, name), changelog)
    yield topic(inboxTopic(app, name), inbox)
  }
  if (program.kinds.length > 0) yield topic(timerTopic(app), changelog)
  yield topic(deadLetterTopic(app), letters, Math.max(1, stateTasks))
}

/** A setting with which records would be lost. */
export interface WrongConfig {
  readonly config: string
  readonly have: string
  readonly want: string
}

export function wrongConfigs(
  wanted: Pick<NewTopic, 'configs'>,
  info: Pick<TopicInfo, 'configs'>,
): readonly WrongConfig[] {
  return ['cleanup.policy', 'retention.ms', 'retention.bytes'].flatMap((config) => {
    const want = wanted.configs[config]
    const have = info.configs.get(config)
    return want === undefined || have === undefined || have === want ? [] : [{ config, have, want }]
  })
}
