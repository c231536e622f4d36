import { isInstanceUrl } from '../../core/options.js'
import type { GroupInfo } from '../../log/port.js'
import { leaderTells, memberTells } from './told.js'

/** A process of an app, as its group knows it. */
export interface AppMember {
  /** In the group. */
  readonly id: string
  /** What people know it by; its member id when it is of a version that does not tell. */
  readonly instance: string
  /** Where it can be asked over HTTP: a URL; undefined when nowhere. */
  readonly http: string | undefined
  /** From where it is connected, as the broker sees it. */
  readonly host: string
  /** Tasks it was assigned. It may still be restoring them. */
  readonly tasks: readonly number[]
  /** Tasks it keeps a standby of. */
  readonly standbys: readonly number[]
}

/** Undefined while the group is in a round: then nobody says who has what. Members of another sort have no tasks. */
export function membersOf({ state, members }: GroupInfo): readonly AppMember[] | undefined {
  if (state === 'rebalancing') return undefined
  return members.map(({ id, host, told, assignment }) => {
    const { instance, http } = memberTells(told ?? new Uint8Array())
    const { tasks, standbys } = leaderTells(assignment?.told ?? new Uint8Array()) ?? { tasks: [], standbys: [] }
    return {
      id,
      instance: instance === '' ? id : instance,
      // Whoever is in the group may tell anything.
      http: isInstanceUrl(http) ? http : undefined,
      host,
      tasks,
      standbys,
    }
  })
}
