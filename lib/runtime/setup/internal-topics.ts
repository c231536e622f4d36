import { MillraceError } from '../../core/errors.js'
import { maxBatchBytes } from '../../log/batch-rules.js'
import type { NewTopic, TopicInfo } from '../../log/port.js'
import { changelogTopic, deadLetterTopic, inboxTopic, timerTopic } from '../../model/names.js'
import { demandNoneLost } from './lost-state.js'
import { vanished, type TopologyOptions } from './topic-lookup.js'

/** P: what the changelogs have; at the first start, what the largest source has. */
export async function statePartitions({ app, program, log }: TopologyOptions, widest: number): Promise<number> {
  const names = [...program.kinds.map((kind) => changelogTopic(app, kind.name)), timerTopic(app)]
  const found = await log.admin.describe(names)
  const counts = names.flatMap((name) => {
    const info = found.get(name)
    return info === undefined ? [] : [{ name, partitions: info.partitions }]
  })
  const [first] = counts
  const other = counts.find(({ partitions }) => partitions !== first?.partitions)
  if (first !== undefined && other !== undefined) {
    throw new MillraceError(
      'TOPIC_MISMATCH',
      `${first.name} has ${first.partitions} partitions and ${other.name} has ${other.partitions}: all state of an app has the same number. Delete the one that holds nothing of worth, or use another app id.`,
      { topic: other.name },
    )
  }
  return first?.partitions ?? widest
}

/** Makes those of the app's own topics that are missing, and checks the others. */
export async function internalTopics(
  options: TopologyOptions,
  stateTasks: number,
  sources: ReadonlyMap<string, TopicInfo>,
): Promise<ReadonlyMap<string, TopicInfo>> {
  const { app, program, log, rules, compression } = options
  const { admin } = log
  const own = { [limitConfig]: String(roomFor(options, sources.values())), ...timesKnownTo(sources.values()) }
  const wanted = [...wantedTopics(options, stateTasks, own)]
  const names = wanted.map(({ name }) => name)
  const before = await admin.describe(names)
  const missing = wanted.filter(({ name }) => before.get(name) === undefined)
  if (missing.length > 0) {
    const known = [...sources, ...before].map(([name, info]) => [name, info?.partitions ?? 0] as const)
    const lost = missing.map(({ name }) => name)
    await demandNoneLost({ app, program, log, missing: lost, partitions: new Map(known) })
    await make(options, missing)
  }
  const infos = missing.length > 0 ? await admin.describe(names) : before
  const found = new Map(
    wanted.map((topic) => [topic.name, checked(topic, infos.get(topic.name), deadLetterTopic(app))]),
  )
  const unpacked = new Set(program.kinds.map((kind) => changelogTopic(app, kind.name)))
  for (const [name, { configs }] of found) {
    rules.note(name, configs)
    if (!unpacked.has(name)) rules.pack(name, compression, configs)
  }
  return found
}

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
function roomFor({ maxRecordBytes }: TopologyOptions, sources: Iterable<TopicInfo>): number {
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

function* wantedTopics(
  { app, program, replicationFactor }: TopologyOptions,
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

const limitConfig = 'max.message.bytes'

/** Where brokers do not allow the limit that is asked for, with theirs: batches fit what topics take. */
async function make({ log: { admin }, logger }: TopologyOptions, topics: readonly NewTopic[]): Promise<void> {
  try {
    return await admin.create(topics)
  } catch (error) {
    if (!MillraceError.is(error, 'BROKER_REFUSED')) throw error
    const { [limitConfig]: limit } = topics[0]?.configs ?? {}
    await admin.create(topics.map((topic) => ({ ...topic, configs: without(limitConfig, topic.configs) })))
    const what = `the topics of the app were made without ${limitConfig}=${limit}, which the broker refuses (${error.message}): records that are larger than it takes by default become errors`
    logger.warn({ err: error }, what)
  }
}

function without(name: string, configs: NewTopic['configs']): NewTopic['configs'] {
  return Object.fromEntries(Object.entries(configs).filter(([each]) => each !== name))
}

function checked(wanted: NewTopic, info: TopicInfo | undefined, deadLetters: string): TopicInfo {
  const topic = wanted.name
  if (info === undefined) throw vanished(topic)
  // How many there are and how long they are kept is for those to say who own the topic.
  if (topic === deadLetters) return info
  if (info.partitions !== wanted.partitions) {
    throw new MillraceError(
      'TOPIC_MISMATCH',
      `${topic} has ${info.partitions} partitions, the app's state has ${wanted.partitions}. Partitions of state cannot change: use another app id, or delete the app's internal topics and its committed offsets to begin anew.`,
      { topic },
    )
  }
  for (const config of ['cleanup.policy', 'retention.ms', 'retention.bytes'] as const) {
    const want = wanted.configs[config]
    const have = info.configs.get(config)
    if (want === undefined || have === undefined || have === want) continue
    throw new MillraceError(
      'TOPIC_MISMATCH',
      `${topic} has ${config}=${have} and needs ${config}=${want}, or records would be lost. Correct it with kafka-configs.`,
      { topic },
    )
  }
  return info
}

export async function warnOfUnclaimed({ app, program, log, logger }: TopologyOptions): Promise<void> {
  const claimed = new Set(program.kinds.map((kind) => changelogTopic(app, kind.name)))
  for (const topic of await log.admin.list(`${app}-`)) {
    // A kind name has no dash, so this matches the app's own changelogs only.
    const kind = /^([A-Za-z0-9_.]+)-changelog$/.exec(topic.slice(app.length + 1))?.[1]
    if (kind !== undefined && !claimed.has(topic)) {
      logger.warn({ topic }, `${topic} holds state that no state object claims: was '${kind}' renamed or removed?`)
    }
  }
}
