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
export function joinGroup(options: EngineOptions, { topology, tasks, stored }: Parts, events: GroupEvents): Promise<Membership> {
  const { app, log, sessionTimeoutMs, instanceId } = options
  return log.join({
    group: app,
    topics: [...topology.inputs.keys()],
    sessionTimeoutMs,
    ...(instanceId === undefined ? {} : { instanceId }),
    tell: () => encodeTold({ transactions: transactionalId(options), holds: [...tasks.running.keys()], stores: stored }),
    assign: (members) => assignment(topology, members),
    onRevoke: events.onRevoke,
    onAssign: (generation, { told }, continuous) => {
      const { tasks: mine, alive } = leaderTells(told)
      return events.onAssign({ generation, tasks: mine, alive: new Set(alive), continuous })
    },
    onLost: events.onLost,
  })
}

function assignment(topology: Topology, members: readonly { readonly id: string; readonly told: Uint8Array }[]): ReadonlyMap<string, Assignment> {
  const told = members.map(({ id, told: bytes }) => ({ id, ...memberTells(bytes) }))
  const alive = told.map(({ transactions }) => transactions)
  const shares = assignTasks(topology.tasks, told)
  return new Map([...shares].map(([id, tasks]) => [id, { partitions: partitionsOfTasks(topology, tasks), told: encodeTold({ tasks, alive }) }]))
}

/** The partitions behind tasks, so that standard tools show who reads what. */
function partitionsOfTasks({ inputs }: Topology, tasks: readonly number[]): Assignment['partitions'] {
  return [...inputs].flatMap(([topic, count]) => tasks.filter((task) => task < count).map((partition) => ({ topic, partition })))
}
