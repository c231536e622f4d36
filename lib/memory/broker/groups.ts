import { MillraceError } from '../../core/errors.js'
import type { Generation, GroupInfo } from '../../log/port.js'
import { Group } from './group.js'

/** The group coordinator: every group of the embedded log by name. */
export class Groups {
  readonly #groups = new Map<string, Group>()

  /** A group comes to be when it is first named. */
  group(name: string): Group {
    let group = this.#groups.get(name)
    if (group === undefined) this.#groups.set(name, (group = new Group(name)))
    return group
  }

  /** A group that nobody is in exists as long as it has offsets. */
  info(name: string, hasOffsets: boolean): GroupInfo {
    const group = this.#groups.get(name)
    if (group?.isEmpty === false) return group.info
    return { state: hasOffsets ? 'empty' : 'none', members: [] }
  }

  /** False when it is not in the group. */
  expel(name: string, memberId: string): boolean {
    const group = this.#groups.get(name)
    if (group?.has(memberId) !== true) return false
    group.expel(memberId)
    return true
  }

  /** Throws `BROKER_REFUSED`. */
  demandEmpty(name: string): void {
    if (this.#groups.get(name)?.isEmpty !== false) return
    throw new MillraceError('BROKER_REFUSED', `Group '${name}' has members: stop them first.`)
  }

  /** Throws `MEMBER_UNKNOWN` or `GENERATION_STALE` unless offsets may be committed under this generation. */
  demandCurrent({ group: name, memberId, generationId, withoutMembers }: Generation): void {
    const group = this.#groups.get(name)
    if (withoutMembers === true && group?.isEmpty !== false) return
    if (group?.has(memberId) !== true) {
      throw new MillraceError(
        'MEMBER_UNKNOWN',
        `Group '${name}' has no member '${memberId}': it left, was expelled, or another process took its instance id. Drop its work and join again.`,
      )
    }
    // Until a round is over the generation before it is the current one: members commit before they rejoin.
    if (generationId === group.generationId) return
    throw new MillraceError(
      'GENERATION_STALE',
      `Group '${name}' is in generation ${group.generationId}, not ${generationId}. Wait for the next assignment.`,
    )
  }
}
