import type { OffsetNotes, TopicInfo } from '../../log/port.js'
import { changelogTopic, deadLetterTopic, inboxTopic, timerTopic } from '../../model/names.js'
import type { KindDefinition } from '../../model/kind.js'
import { Survival } from '../../state/survival.js'
import type { StateKind } from '../../state/table.js'
import type { Changelog } from '../../state/take-over.js'
import { rowStateKind } from '../../turn/kept/row-kind.js'
import { noteOf } from './topic-ids.js'
import { stateKindOf } from '../../turn/windows/windows.js'
import { internalTopics, statePartitions, warnOfUnclaimed } from './internal-topics.js'
import { targetPartitions, topicInfo, type TopologyOptions, warnOfOtherCount } from './topic-lookup.js'

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

/**
 * Looks up all topics, creates the app's own, and checks those that exist; they are never altered.
 * Throws `TOPIC_MISSING` and `TOPIC_MISMATCH`, each saying what to do.
 */
export async function topology(options: TopologyOptions): Promise<Topology> {
  const { app, program } = options
  const sources = new Map<string, TopicInfo>()
  for (const node of program.sources) sources.set(node.name, await topicInfo(options, node, {}))
  const partitions = new Map([...sources].map(([name, info]) => [name, info.partitions]))
  for (const node of program.targets) partitions.set(node.name, await targetPartitions(options, node))
  const declared = new Map([...program.targets, ...program.sources].map((node) => [node.name, node]))
  for (const [name, node] of declared) warnOfOtherCount(options.logger, node, partitions.get(name) as number)
  const widest = Math.max(...[...sources.values()].map((info) => info.partitions))
  const stateTasks = program.kinds.length === 0 ? 0 : await statePartitions(options, widest)
  const infos = await internalTopics(options, stateTasks, sources)
  for (const [name, info] of infos) partitions.set(name, info.partitions)
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
  { app, program: { kinds }, rules, maxRecordBytes, readsAgain }: TopologyOptions,
  infos: ReadonlyMap<string, TopicInfo>,
): readonly Changelog[] {
  const changelog = (kind: StateKind, topic: string): Changelog => ({
    kind,
    topic,
    info: infos.get(topic) as TopicInfo,
  })
  const states = kinds.map((kind) => {
    const topic = changelogTopic(app, kind.name)
    const limit = { rule: rules.of(topic), maxBytes: maxRecordBytes }
    return changelog(stateKindOf(kind, limit, new Survival(readsAgain === true)), topic)
  })
  const rows = rowStateKind(rules.of(timerTopic(app)))
  return kinds.length === 0 ? [] : [...states, { ...changelog(rows, timerTopic(app)), hasStandings: true }]
}
