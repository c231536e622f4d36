import type { Assignment, Generation, Membership } from '../log/port.js'
import { assignTasks } from './assignor.js'
import type { EngineOptions } from './engine-options.js'
import { transactionalId, type Parts } from './parts.js'
import { encodeTold, leaderTells, memberTells } from './told.js'
import type { Topology } from './topology.js'

/** A new generation, and this member's part of it. */
export interface Assigned {
  readonly generation: Generation
  readonly tasks: readonly number[]
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
}

/** Joins the consumer group of the app, which is named as the app. */
export async function joinGroup(
  options: EngineOptions,
  { topology, tasks, stored }: Parts,
  events: GroupEvents,
): Promise<Membership> {
  const { app, log, sessionTimeoutMs, instanceId } = options
  const own = transactionalId(options)
  let isKnown = true
  const membership = await log.join({
    group: app,
    topics: [...topology.inputs.keys()],
    sessionTimeoutMs,
    ...(instanceId === undefined ? {} : { instanceId }),
    tell: () => encodeTold({ transactions: own, holds: tasks.held, stores: stored }),
    assign: (members) => assignment(topology, members),
    onRevoke: events.onRevoke,
    onAssign: (generation, { told }, continuous) => {
      const { tasks: mine, alive: known, you } = leaderTells(told)
      isKnown = you === own
      const alive = new Set([...known.filter((id) => id !== you), own])
      return events.onAssign({ generation, tasks: mine, alive, continuous })
    },
    onLost: events.onLost,
  })
  // The others take our transactions for those of a dead process until a round tells them; no task moves in it.
  if (!isKnown) membership.rejoin('a static member was replaced')
  return membership
}

function assignment(
  topology: Topology,
  members: readonly { readonly id: string; readonly told: Uint8Array }[],
): ReadonlyMap<string, Assignment> {
  const told = members.map(({ id, told: bytes }) => ({ id, ...memberTells(bytes) }))
  const alive = told.map(({ transactions }) => transactions)
  const you = new Map(told.map(({ id, transactions }) => [id, transactions]))
  const shares = assignTasks(topology.tasks, told)
  return new Map(
    [...shares].map(([id, tasks]) => [
      id,
      { partitions: partitionsOfTasks(topology, tasks), told: encodeTold({ tasks, alive, you: you.get(id) ?? '' }) },
    ]),
  )
}

/** The partitions behind tasks, so that standard tools show who reads what. */
function partitionsOfTasks({ inputs }: Topology, tasks: readonly number[]): Assignment['partitions'] {
  return [...inputs].flatMap(([topic, count]) =>
    tasks.filter((task) => task < count).map((partition) => ({ topic, partition })),
  )
}
