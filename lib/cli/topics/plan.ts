import { defaultMaxRecordBytes } from '../../app/options.js'
import type { MadeApp } from '../../app/inspector.js'
import { positionsConfigs } from '../../connect/sources/topics.js'
import type { LogAdmin, TopicInfo } from '../../log/port.js'
import type { GraphTopic } from '../../model/graph/graph.js'
import { wantedTopics } from '../../runtime/setup/own-topics.js'
import { roleIn, type Role } from './roles.js'

/** A topic that an app needs, and what is there of it. */
export interface PlannedTopic {
  readonly topic: string
  readonly roles: readonly Role[]
  /** The app makes it for itself. */
  readonly own: boolean
  /** How many it is to have; undefined: as many as the brokers give a topic, or as follows from a topic that is not there. */
  readonly partitions: number | undefined
  readonly configs: Readonly<Record<string, string>>
  readonly found: TopicInfo | undefined
}

export interface Plan {
  readonly app: string
  readonly topics: readonly PlannedTopic[]
  /** Changelogs of the app that no state object of the program has. */
  readonly unclaimed: readonly string[]
}

const compacted = { 'cleanup.policy': 'compact' }

/** What a program needs, beside what there is. */
export async function planOf(made: MadeApp, admin: Pick<LogAdmin, 'describe' | 'list'>): Promise<Plan> {
  const { options, graph, program } = made
  const users = graph.nodes.filter((node) => node.type === 'topic')
  const known = await admin.describe(users.map(({ name }) => name))
  const theirs = users.map((node): PlannedTopic => {
    const { name, lookup } = node
    return {
      topic: name,
      roles: rolesOf(node, made),
      own: false,
      partitions: node.partitions,
      configs: lookup ? compacted : {},
      found: known.get(name),
    }
  })
  const sources = new Map([...known].flatMap(([name, info]) => (info === undefined ? [] : [[name, info] as const])))
  const read = new Map(
    program.sources.flatMap(({ name }) => (sources.has(name) ? [[name, sources.get(name)!] as const] : [])),
  )
  const { maxRecordBytes = defaultMaxRecordBytes, replicationFactor = -1 } = options
  const wanted = wantedTopics({ app: options.id, program, maxRecordBytes, replicationFactor }, 0, read)
  const infos = await admin.describe(wanted.map(({ name }) => name))
  const partitions = statePartitions(made, theirs, infos)
  const own = wanted.map(({ name, configs }): PlannedTopic => {
    const role = roleIn(options.id, name) as Role
    const isOfState = role !== 'dead letters'
    const count = isOfState
      ? partitions
      : partitions === undefined && program.kinds.length > 0
        ? undefined
        : Math.max(1, partitions ?? 1)
    return { topic: name, roles: [role], own: true, partitions: count, configs, found: infos.get(name) }
  })
  const positions = await positionsOf(made, admin)
  const there = await admin.list(`${options.id}-`)
  const claimed = new Set(own.map(({ topic }) => topic))
  return {
    app: options.id,
    topics: [...theirs, ...own, ...positions],
    unclaimed: there.filter((name) => roleIn(options.id, name) === 'changelog' && !claimed.has(name)),
  }
}

function rolesOf(node: GraphTopic, { graph }: MadeApp): readonly Role[] {
  const edges = graph.edges.filter(({ from, to }) => from === node.id || to === node.id)
  const isWritten = edges.some(({ type, to }) => to === node.id && type !== 'input')
  const isTaken = edges.some(({ type }) => type === 'sink')
  return [
    ...(node.read === undefined ? [] : ['source' as const]),
    ...(node.lookup ? ['lookup' as const] : []),
    ...(isWritten ? ['output' as const] : []),
    ...(isTaken ? ['sink' as const] : []),
  ]
}

/** As the app finds them: what its state has, or else what the largest source has. */
function statePartitions(
  { program }: MadeApp,
  users: readonly PlannedTopic[],
  own: ReadonlyMap<string, TopicInfo | undefined>,
): number | undefined {
  if (program.kinds.length === 0) return undefined
  const states = [...own].filter(([name]) => /-(changelog|timers)$/.test(name))
  const [first] = states.flatMap(([, info]) => (info === undefined ? [] : [info.partitions]))
  if (first !== undefined) return first
  const counts = users
    .filter(({ roles }) => roles.includes('source'))
    .map(({ found, partitions }) => found?.partitions ?? partitions)
  return counts.some((count) => count === undefined) ? undefined : Math.max(...(counts as number[]))
}

/** How many partitions a source has only its connector knows, when it runs. */
async function positionsOf({ graph }: MadeApp, admin: Pick<LogAdmin, 'describe'>): Promise<readonly PlannedTopic[]> {
  const names = graph.nodes.flatMap((node) =>
    'positions' in node && node.positions !== undefined ? [node.positions] : [],
  )
  const infos = await admin.describe(names)
  return names.map((topic) => ({
    topic,
    roles: ['positions'],
    own: true,
    partitions: undefined,
    configs: positionsConfigs,
    found: infos.get(topic),
  }))
}
