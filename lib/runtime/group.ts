import { MillraceError } from '../core/errors.js'
import type { Joining } from '../log/joining/joining.js'
import type { Assignment, Generation, MemberTold, Membership } from '../log/port.js'
import { assignTasks } from './membership/assignor.js'
import type { EngineOptions } from './setup/engine-options.js'
import { mostOf, type PartitionCounts } from './membership/growth.js'
import { transactionalId, type Parts } from './parts.js'
import { placeStandbys } from './membership/standby-placement.js'
import { encodeTold, leaderTells, memberTells, type MemberTells } from './membership/told.js'
import type { Topology } from './setup/topology.js'

/** A new generation, and this member's part of it. */
export interface Assigned {
  readonly generation: Generation
  readonly tasks: readonly number[]
  /** Tasks to keep a standby of. */
  readonly standbys: readonly number[]
  /** Of the sources, to work with from now on. */
  readonly partitions: PartitionCounts
  /** Transactional ids of all living members. */
  readonly alive: ReadonlySet<string>
  /** False when a generation was missed: then tasks this member still runs may have been run by another in between. */
  readonly continuous: boolean
}

/** What the group does to a member; the first two are awaited by the group protocol. */
export interface GroupEvents {
  readonly onRevoke: () => Promise<void>
  readonly onAssign: (assigned: Assigned) => Promise<void>
  readonly onLost: (reason: string, fatal: boolean) => void
  /** It cannot be in this group. */
  readonly onMismatch: (error: MillraceError) => void
}

/** Joins the consumer group of the app, which is named as the app; until `signal` aborts. */
export async function joinGroup(
  options: EngineOptions,
  parts: Parts,
  events: GroupEvents,
  joining: Joining,
  signal: AbortSignal,
): Promise<Membership> {
  const { app, sessionTimeoutMs, instanceId } = options
  const { topology, inventory, growth } = parts
  const own = { transactions: transactionalId(options), instance: options.instance, http: options.http?.() ?? '' }
  let isKnown = true
  await inventory.refresh()
  const membership = await joining.join({
    group: app,
    topics: [...topology.inputs.keys()],
    sessionTimeoutMs,
    signal,
    ...(instanceId === undefined ? {} : { instanceId }),
    tell: () => told(own, parts),
    assign: (members) => assignment(parts, options.standbyReplicas, members),
    onRevoke: async () => {
      // A disk that cannot be listed now is no reason to leave the group: it shows when a store is opened.
      await Promise.all([events.onRevoke(), inventory.refresh().catch(() => undefined)])
    },
    onAssign: async (generation, { told: bytes }, continuous) => {
      const told = leaderTells(bytes)
      if (told === undefined) throw mismatch(app, events)
      const { tasks, standbys, partitions, alive: known, you } = told
      isKnown = you === own.transactions
      const alive = new Set([...known.filter((id) => id !== you), own.transactions])
      return events.onAssign({ generation, tasks, standbys, partitions, alive, continuous })
    },
    onLost: events.onLost,
  })
  // The others take our transactions for those of a dead process until a round tells them; no task moves in it.
  if (!isKnown) membership.rejoin('a static member was replaced')
  growth.watch((what) => membership.rejoin(what))
  return membership
}

/** Who is assigned by somebody else would do nothing for ever, or read what others read too. */
function mismatch(app: string, { onMismatch }: GroupEvents): MillraceError {
  const what = `group '${app}' is led by somebody else than this app: consumers that are not of it are in the group, perhaps of the newer protocol (group.protocol=consumer)`
  const error = new MillraceError('GROUP_MISMATCH', `${what}. Stop them, or choose another app id.`)
  onMismatch(error)
  return error
}

function told(
  own: Pick<MemberTells, 'transactions' | 'instance' | 'http'>,
  { tasks, standbys, inventory, growth }: Parts,
): Uint8Array {
  for (const state of standbys.states) inventory.note(state)
  return encodeTold({
    ...own,
    holds: tasks.held,
    standbys: standbys.tasks,
    current: standbys.current,
    stores: [...inventory.positions],
    partitions: growth.partitions,
  })
}

/** Runs on the leader. */
function assignment(
  { topology, growth }: Parts,
  replicas: number,
  joined: readonly MemberTold[],
): ReadonlyMap<string, Assignment> {
  const members = joined.map(({ id, told: bytes }) => ({ id, ...memberTells(bytes) }))
  const states = members.map((member) => ({ ...member, stores: new Map(member.stores) }))
  const alive = members.map(({ transactions }) => transactions)
  const partitions = mostOf(
    growth.partitions,
    members.map((member) => member.partitions),
  )
  const tasks = Math.max(topology.stateTasks, ...Object.values(partitions))
  const shares = assignTasks(tasks, states, topology.stateTasks)
  const standbys = placeStandbys({ tasks: topology.stateTasks, replicas }, states, shares)
  return new Map(
    members.map(({ id, transactions: you }) => {
      const own = shares.get(id) ?? []
      const tells = { tasks: own, standbys: standbys.get(id) ?? [], alive, you, partitions }
      return [id, { partitions: partitionsOfTasks(topology, partitions, own), told: encodeTold(tells) }]
    }),
  )
}

/** The partitions behind tasks, so that standard tools show who reads what. */
function partitionsOfTasks(
  { inputs }: Topology,
  sources: PartitionCounts,
  tasks: readonly number[],
): Assignment['partitions'] {
  return [...inputs].flatMap(([topic, count]) =>
    tasks.filter((task) => task < (sources[topic] ?? count)).map((partition) => ({ topic, partition })),
  )
}
