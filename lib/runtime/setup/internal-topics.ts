import { MillraceError } from '../../core/errors.js'
import type { NewTopic, TopicInfo } from '../../log/port.js'
import { changelogTopic, deadLetterTopic, timerTopic } from '../../model/names.js'
import { demandNoneLost } from './lost-state.js'
import { limitConfig, wantedTopics, wrongConfigs } from './own-topics.js'
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
  const wanted = wantedTopics(options, stateTasks, sources)
  const names = wanted.map(({ name }) => name)
  const before = await admin.describe(names)
  const missing = wanted.filter(({ name }) => before.get(name) === undefined)
  if (missing.length > 0) {
    const known = [...sources, ...before].map(([name, info]) => [name, info?.partitions ?? 0] as const)
    const lost = missing.map(({ name }) => name)
    await demandNoneLost({ app, program, log, missing: lost, partitions: new Map(known) })
    await makeTopics(options, missing)
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

/** Where brokers do not allow the limit that is asked for, with theirs: batches fit what topics take. */
export async function makeTopics(
  { log: { admin }, logger }: Pick<TopologyOptions, 'log' | 'logger'>,
  topics: readonly NewTopic[],
): Promise<void> {
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
  for (const { config, have, want } of wrongConfigs(wanted, info)) {
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
