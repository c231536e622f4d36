import { reasonOf } from '../../core/errors.js'
import { allPartitions, PositionMap, type TopicPartition } from '../../core/record.js'
import type { CommittedOffset, LogPort, TopicInfo } from '../../log/port.js'
import { checkTopicName, deadLetterTopic } from '../../model/names.js'
import { aimed, type Aim, type Aimed } from './aims.js'
import { CliError } from '../frame/exits.js'
import { demandNobody } from './members.js'
import { ownTopics, type OwnTopics } from './own-topics.js'

export interface ResetOptions {
  readonly app: string
  readonly aim: Aim
  /** Topics whose offsets are set; undefined: all that the app reads. */
  readonly topics?: readonly string[] | undefined
  /** What the program reads, where there is a program. */
  readonly sources?: readonly string[] | undefined
  /** Offsets only: state, and what is on its way, stay as they are. */
  readonly keepState: boolean
  /** Dead letters go too. */
  readonly deadLetters: boolean
}

/** What a reset does to a cluster. */
export interface ResetPlan {
  readonly app: string
  readonly aim: Aim
  readonly offsets: readonly Aimed[]
  /** Topics that the group has offsets of and that are not reset: those stay. */
  readonly untouched: readonly string[]
  readonly deleted: readonly string[]
  /** Of the app, and kept. */
  readonly kept: readonly string[]
  /** Partitions whose offsets are taken away, by group. */
  readonly forgotten: ReadonlyMap<string, readonly TopicPartition[]>
}

/** Rejects with `refused` while somebody runs the app, and with `notFound` for one that never ran. */
export async function planReset(log: LogPort, options: ResetOptions): Promise<ResetPlan> {
  const { app, aim, keepState, deadLetters } = options
  const { admin } = log
  await demandNobody(admin, app)
  const committed = await admin.groupOffsets(app, 'all', 'any')
  const withOffsets = [...new Set(committed.map(({ topic }) => topic))]
  const given = new Set([...(options.sources ?? []), ...(options.topics ?? [])])
  const own = await ownTopics(admin, app, new Set([...given, ...withOffsets.filter((name) => !isInbox(app, name))]))
  const read = options.sources ?? withOffsets.filter((name) => !own.inboxes.includes(name) && !isInbox(app, name))
  const all = [...own.changelogs, ...own.inboxes, ...(own.timers === undefined ? [] : [own.timers])]
  if (committed.length === 0 && all.length === 0 && own.deadLetters === undefined) throw neverRan(app)
  const chosen = chosenTopics(options, read)
  const partitions = await partitionsOf(log, chosen, options.topics !== undefined)
  const offsets = await aimed(admin, partitions, positionsOf(committed), aim)
  const deleted = [
    ...(keepState ? [] : all),
    ...(deadLetters && own.deadLetters !== undefined ? [own.deadLetters] : []),
  ]
  const ofInboxes = committed.filter(({ topic }) => isInbox(app, topic) && !given.has(topic))
  return {
    app,
    aim,
    offsets,
    untouched: read.filter((topic) => withOffsets.includes(topic) && !chosen.includes(topic)),
    deleted,
    kept: [...all, own.deadLetters, ...own.positions].filter(
      (name) => name !== undefined && !deleted.includes(name),
    ) as readonly string[],
    forgotten: new Map([
      [app, keepState ? [] : [...ofInboxes, ...(aim.to === 'earliest' ? offsets : [])]],
      [`${app}-replay`, deadLetters ? await offsetsOfReplays(log, app, own) : []],
    ]),
  }
}

const isInbox = (app: string, topic: string): boolean =>
  topic.startsWith(`${app}-`) && /^[A-Za-z0-9_.]+-inbox$/.test(topic.slice(app.length + 1))

function chosenTopics({ topics, sources, app }: ResetOptions, read: readonly string[]): readonly string[] {
  for (const topic of topics ?? []) demandName(topic)
  const foreign = sources === undefined ? undefined : topics?.find((topic) => !sources.includes(topic))
  if (foreign !== undefined)
    throw new CliError('usage', `--topics: app '${app}' does not read '${foreign}', but ${(sources ?? []).join(', ')}`)
  return [...new Set(topics ?? read)]
}

/** Brokers would refuse the question. */
function demandName(topic: string): void {
  try {
    checkTopicName(topic)
  } catch (error) {
    throw new CliError('usage', `--topics: ${reasonOf(error)}. Give names with a comma between each two: a,b`)
  }
}

/** A topic that was asked for must be there; one that the group merely knows may be gone. */
async function partitionsOf(
  { admin }: LogPort,
  topics: readonly string[],
  demand: boolean,
): Promise<readonly TopicPartition[]> {
  const infos = await admin.describe(topics)
  const missing = topics.find((topic) => infos.get(topic) === undefined)
  if (missing !== undefined && demand)
    throw new CliError('notFound', `--topics: there is no topic '${missing}' on this cluster`)
  return topics.flatMap((topic) => allPartitions(topic, (infos.get(topic) as TopicInfo | undefined)?.partitions ?? 0))
}

async function offsetsOfReplays({ admin }: LogPort, app: string, own: OwnTopics): Promise<readonly TopicPartition[]> {
  if (own.deadLetters === undefined) return []
  const committed = await admin.groupOffsets(`${app}-replay`, 'all', 'any')
  return committed.filter(({ topic }) => topic === deadLetterTopic(app))
}

function positionsOf(committed: readonly CommittedOffset[]): PositionMap['topics'] {
  return PositionMap.of(committed.map(({ topic, partition, offset }) => [topic, partition, offset])).topics
}

function neverRan(app: string): CliError {
  const what = `there is no app '${app}' on this cluster: no group of that name has offsets, and no topic '${app}-…' is its own`
  return new CliError('notFound', `${what}. See to --app and --brokers.`)
}
