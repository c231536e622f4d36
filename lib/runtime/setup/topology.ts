import { MillraceError } from '../../core/errors.js'
import type { Logger } from '../../core/logger.js'
import type { BatchRules } from '../../log/batch-rules.js'
import type { LogPort, NewTopic, OffsetNotes, TopicInfo } from '../../log/port.js'
import { changelogTopic, deadLetterTopic, inboxTopic, timerTopic } from '../../model/names.js'
import type { Program } from '../../model/program.js'
import type { KindDefinition } from '../../model/kind.js'
import type { TopicNode } from '../../model/stream.js'
import type { StateKind } from '../../state/table.js'
import type { Changelog } from '../../state/take-over.js'
import { rowStateKind } from '../../turn/kept/row-kind.js'
import { demandNoneLost } from './lost-state.js'
import { noteOf } from './topic-ids.js'
import { stateKindOf } from '../../turn/windows/windows.js'

/** The program laid over the topics that exist. */
export interface Topology {
  readonly app: string
  /** Partitions of all state: changelogs and inboxes. 0 when the app keeps none. */
  readonly stateTasks: number
  readonly kinds: readonly KindDefinition[]
  /** Of each kind, in the same order; that of timers and all else that waits comes last. */
  readonly changelogs: readonly Changelog[]
  readonly inboxes: readonly string[]
  /** One task per partition index of anything the app reads. */
  readonly tasks: number
  /** Topics the app reads, inboxes included, with their partitions; those of sources can grow. */
  readonly inputs: Map<string, number>
  /** Partitions of every topic looked up so far. */
  readonly partitions: Map<string, number>
  readonly deadLetters: string
  /** The changelog that also says where tasks stand; undefined when the app keeps no state. */
  readonly standings: string | undefined
  /** The id of each topic that the app reads or keeps state in, by name. */
  readonly ids: ReadonlyMap<string, string>
  /** What is committed beside offsets, by topic; see `noteOf`. */
  readonly notes: OffsetNotes
}

export interface TopologyOptions {
  readonly app: string
  readonly program: Program
  readonly log: LogPort
  readonly createTopics: boolean
  readonly replicationFactor: number
  readonly maxRecordBytes: number
  /** What the topics that the app writes to take is noted here. */
  readonly rules: BatchRules
  readonly logger: Logger
}

/**
 * Looks up all topics, creates the app's own, and checks those that exist; they are never altered.
 * Throws `TOPIC_MISSING` and `TOPIC_MISMATCH`, each saying what to do.
 */
export async function topology(options: TopologyOptions): Promise<Topology> {
  const { app, program, rules } = options
  const sources = new Map<string, TopicInfo>()
  for (const node of program.sources) sources.set(node.name, await topicInfo(options, node, {}))
  const partitions = new Map([...sources].map(([name, info]) => [name, info.partitions]))
  for (const node of program.targets) partitions.set(node.name, await targetPartitions(options, node))
  const widest = Math.max(...[...sources.values()].map((info) => info.partitions))
  const stateTasks = program.kinds.length === 0 ? 0 : await statePartitions(options, widest)
  const infos = await internalTopics(options, stateTasks, sources)
  for (const [name, info] of infos) {
    partitions.set(name, info.partitions)
    rules.note(name, info.configs)
  }
  await warnOfUnclaimed(options)

  const inboxes = program.kinds.map((kind) => inboxTopic(app, kind.name))
  const read = [...program.sources.map(({ name }) => name), ...inboxes]
  const inputs = new Map(read.map((name) => [name, partitions.get(name) as number]))
  const changelogs = changelogsOf(options, infos)
  const standings = changelogs.find(({ hasStandings }) => hasStandings)
  const idOf = (topic: string): string => (sources.get(topic) ?? (infos.get(topic) as TopicInfo)).id
  return {
    app,
    stateTasks,
    get tasks() {
      return Math.max(stateTasks, ...inputs.values())
    },
    kinds: program.kinds,
    changelogs,
    inboxes,
    inputs,
    partitions,
    deadLetters: deadLetterTopic(app),
    standings: standings?.topic,
    ids: new Map([...read, ...changelogs.map(({ topic }) => topic)].map((topic) => [topic, idOf(topic)])),
    notes: new Map(read.map((topic) => [topic, noteOf(idOf(topic), standings?.info.id)])),
  }
}

function changelogsOf(
  { app, program: { kinds }, rules, maxRecordBytes }: TopologyOptions,
  infos: ReadonlyMap<string, TopicInfo>,
): readonly Changelog[] {
  const changelog = (kind: StateKind, topic: string): Changelog => ({
    kind,
    topic,
    info: infos.get(topic) as TopicInfo,
  })
  const states = kinds.map((kind) => {
    const topic = changelogTopic(app, kind.name)
    return changelog(stateKindOf(kind, { rule: rules.of(topic), maxBytes: maxRecordBytes }), topic)
  })
  const rows = rowStateKind(rules.of(timerTopic(app)))
  return kinds.length === 0 ? [] : [...states, { ...changelog(rows, timerTopic(app)), hasStandings: true }]
}

/** Lets the broker decide, by its `num.partitions`. */
const brokersDefault = -1

/** Partitions of a topic that users own and that the app writes to; made when the app may. Notes what it takes. */
export async function targetPartitions(
  options: TopologyOptions,
  node: Pick<TopicNode, 'name' | 'partitions'>,
): Promise<number> {
  const { partitions, configs } = await topicInfo(options, node, {})
  options.rules.note(node.name, configs)
  return partitions
}

/** A topic that users own; made with these configs when the app may. */
export async function topicInfo(
  options: TopologyOptions,
  node: Pick<TopicNode, 'name' | 'partitions'>,
  configs: Readonly<Record<string, string>>,
): Promise<TopicInfo> {
  const { createTopics, replicationFactor } = options
  const { admin } = options.log
  const known = (await admin.describe([node.name])).get(node.name)
  if (known !== undefined) return known
  if (!createTopics) {
    throw new MillraceError(
      'TOPIC_MISSING',
      `topic '${node.name}' does not exist. Create it, or set createTopics: true (development).`,
      { topic: node.name },
    )
  }
  await admin.create([{ name: node.name, partitions: node.partitions ?? brokersDefault, replicationFactor, configs }])
  const made = (await admin.describe([node.name])).get(node.name)
  if (made !== undefined) return made
  throw vanished(node.name)
}

/** P: what the changelogs have; at the first start, what the largest source has. */
async function statePartitions({ app, program, log }: TopologyOptions, widest: number): Promise<number> {
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

async function internalTopics(
  options: TopologyOptions,
  stateTasks: number,
  sources: ReadonlyMap<string, TopicInfo>,
): Promise<ReadonlyMap<string, TopicInfo>> {
  const { app, program, log, replicationFactor } = options
  const { admin } = log
  const wanted: NewTopic[] = program.kinds.flatMap((kind) => [
    { name: changelogTopic(app, kind.name), partitions: stateTasks, replicationFactor, configs: changelogConfigs },
    { name: inboxTopic(app, kind.name), partitions: stateTasks, replicationFactor, configs: inboxConfigs },
  ])
  if (program.kinds.length > 0)
    wanted.push({ name: timerTopic(app), partitions: stateTasks, replicationFactor, configs: changelogConfigs })
  wanted.push({
    name: deadLetterTopic(app),
    partitions: Math.max(1, stateTasks),
    replicationFactor,
    configs: deadLetterConfigs,
  })
  const names = wanted.map(({ name }) => name)
  const before = await admin.describe(names)
  const missing = wanted.filter(({ name }) => before.get(name) === undefined)
  if (missing.length > 0) {
    const known = [...sources, ...before].map(([name, info]) => [name, info?.partitions ?? 0] as const)
    const lost = missing.map(({ name }) => name)
    await demandNoneLost({ app, program, log, missing: lost, partitions: new Map(known) })
    await admin.create(missing)
  }
  const infos = missing.length > 0 ? await admin.describe(names) : before
  return new Map(wanted.map((topic) => [topic.name, checked(topic, infos.get(topic.name))]))
}

const changelogConfigs = {
  'cleanup.policy': 'compact',
  'segment.bytes': String(64 << 20),
  'min.cleanable.dirty.ratio': '0.2',
}
/** Kept until trimmed: a record in an inbox is input that may not have had its turn. */
const inboxConfigs = { 'cleanup.policy': 'delete', 'retention.ms': '-1', 'retention.bytes': '-1' }

/** Kept until somebody has seen to them: letters have the timestamps of their records, which may be long past. */
const deadLetterConfigs = { 'cleanup.policy': 'delete', 'retention.ms': '-1' }

function checked(wanted: NewTopic, info: TopicInfo | undefined): TopicInfo {
  const topic = wanted.name
  if (info === undefined) throw vanished(topic)
  // How many there are and how long they are kept is for those to say who own the topic.
  if (wanted.configs === deadLetterConfigs) return info
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

function vanished(topic: string): MillraceError {
  const what = `topic '${topic}' was created and is still not there. Is something else deleting topics?`
  return new MillraceError('TOPIC_MISSING', what, { topic })
}

async function warnOfUnclaimed({ app, program, log, logger }: TopologyOptions): Promise<void> {
  const claimed = new Set(program.kinds.map((kind) => changelogTopic(app, kind.name)))
  for (const topic of await log.admin.list(`${app}-`)) {
    // A kind name has no dash, so this matches the app's own changelogs only.
    const kind = /^([A-Za-z0-9_.]+)-changelog$/.exec(topic.slice(app.length + 1))?.[1]
    if (kind !== undefined && !claimed.has(topic)) {
      logger.warn({ topic }, `${topic} holds state that no state object claims: was '${kind}' renamed or removed?`)
    }
  }
}
