/** What members and leader tell each other through the group protocol: JSON, so that it can grow and be read in tools. */

/** From a member, with its JoinGroup. */
export interface MemberTells {
  /** Its transactional id. */
  readonly transactions: string
  readonly holds: readonly number[]
  readonly stores: readonly number[]
}

/** From the leader, with each assignment. */
export interface LeaderTells {
  readonly tasks: readonly number[]
  /** Transactional ids of all living members: every other one of the app may be fenced. */
  readonly alive: readonly string[]
  /**
   * The transactional id this member told. Not the one of the process that reads it when that took over a static member's
   * place, which happens without a round: then it is its dead predecessor's.
   */
  readonly you: string
}

export function encodeTold(told: MemberTells | LeaderTells): Uint8Array {
  return Buffer.from(JSON.stringify(told))
}

/** Members of a version that tells nothing readable count as holding nothing. */
export function memberTells(bytes: Uint8Array): MemberTells {
  const told = parse(bytes) as Partial<MemberTells>
  return { transactions: told.transactions ?? '', holds: told.holds ?? [], stores: told.stores ?? [] }
}

export function leaderTells(bytes: Uint8Array): LeaderTells {
  const told = parse(bytes) as Partial<LeaderTells>
  return { tasks: told.tasks ?? [], alive: told.alive ?? [], you: told.you ?? '' }
}

function parse(bytes: Uint8Array): object {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8')) as object
  } catch {
    return {}
  }
}
