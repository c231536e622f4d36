/** What an app is doing, as its probes and people see it; see `isReady`. */
export type AppState =
  /** Not started yet, or connecting, looking at its topics, reading its lookup tables and joining its group for the first time. */
  | 'starting'
  /** Tasks it has been assigned are being taken over; those that are done run already. */
  | 'restoring'
  /** All assigned tasks run, and commits get through. */
  | 'running'
  /** It was removed from its group, or a commit was refused, or a round stands still: it waits for an assignment. */
  | 'rebalancing'
  /** Brokers have not answered for two seconds, or a commit has not got through for 2.5. It goes on trying; nothing is lost. */
  | 'degraded'
  /** It is closing or has been closed, or an error has stopped it. */
  | 'closed'

/** The state, and for all but `running` what it waits for, where, and what to do. */
export interface Judgement {
  readonly state: AppState
  readonly reason: string | undefined
}

/** What a state follows from. */
export interface Facts {
  readonly app: string
  readonly end: { readonly error: unknown; readonly reason: string } | 'closing' | 'closed' | undefined
  readonly stage: 'new' | 'schemas' | 'opening' | 'loading' | 'joining' | 'member'
  /** Why the ids of schemas take long. */
  readonly schemas?: string | undefined
  /** How far the lookup tables are that have not been complete yet, as text. */
  readonly loaded: string | undefined
  /** For whom joining the group waits, and what to do about it. */
  readonly awaited?: string | undefined
  /** Of the log. */
  readonly trouble: string | undefined
  /** How long the commit in flight has been under way. */
  readonly commitMs: number
  /** Whether an assignment holds and commits go through. */
  readonly holds: boolean
  /** A commit waits for the assignment of a round. */
  readonly awaitsRound: boolean
  /** Tasks assigned and not running. */
  readonly taking: readonly number[]
  readonly assigned: number
  /** How far the restore is, as text. */
  readonly restored: string | undefined
}

/** A commit takes milliseconds; one that takes so long does not get through. Longer than a log's patience, which names the brokers. */
const commitPatienceMs = 2_500

export function judge(facts: Facts): Judgement {
  return ended(facts) ?? degraded(facts) ?? beginning(facts) ?? moving(facts) ?? { state: 'running', reason: undefined }
}

/**
 * `keeps`: it runs all that it has run so far. What comes to it from others then, by whichever member's death, says nothing against
 * it; and in a round, which all members are in at the same time, none of them is to be taken for unwell.
 */
export function isReady(state: AppState, keeps: boolean): boolean {
  return state === 'running' || (keeps && (state === 'restoring' || state === 'rebalancing'))
}

function ended({ app, end }: Facts): Judgement | undefined {
  if (end === undefined) return undefined
  if (typeof end !== 'string') return { state: 'closed', reason: `app '${app}' was stopped by an error: ${end.reason}` }
  const closing = `app '${app}' is closing: it commits what it has done and leaves its group`
  return { state: 'closed', reason: end === 'closing' ? closing : `app '${app}' has been closed` }
}

function degraded({ trouble, commitMs, awaitsRound }: Facts): Judgement | undefined {
  if (trouble !== undefined) {
    const todo =
      'Asking goes on until there is an answer. See that the brokers run and can be reached at these addresses'
    return { state: 'degraded', reason: `${trouble}. ${todo}.` }
  }
  if (commitMs < commitPatienceMs || awaitsRound) return undefined
  const since = `a commit has been under way for ${Math.round(commitMs / 1_000)} s; it is sent again until it is answered`
  const todo = 'See that partitions have leaders and enough in-sync replicas, and look for warnings in the log'
  return { state: 'degraded', reason: `${since}. ${todo}.` }
}

function beginning({ app, stage, schemas, loaded = 'none is complete', awaited }: Facts): Judgement | undefined {
  if (stage === 'member') return undefined
  const reasons = {
    new: `app '${app}' has not been started: call start()`,
    schemas: `app '${app}' asks for the ids of the schemas of its topics${schemas === undefined ? '' : `: ${schemas}`}`,
    opening: `app '${app}' looks at its topics and opens its stores`,
    loading: `app '${app}' reads its lookup tables, which must be complete before the first turn: ${loaded}`,
    joining:
      awaited ??
      `app '${app}' joins its consumer group and waits for its assignment. Members that were killed hold it up until their session ends`,
  }
  return { state: 'starting', reason: reasons[stage] }
}

function moving({ app, holds, awaitsRound, taking, assigned, restored }: Facts): Judgement | undefined {
  if (!holds || awaitsRound) {
    const what = `no assignment of group '${app}' holds: the group agrees on a new one, or what a commit was refused for is being repaired`
    return { state: 'rebalancing', reason: `${what}. It lasts as long as the slowest member takes to join.` }
  }
  if (taking.length === 0) return undefined
  const which = taking.length > 10 ? `${taking.slice(0, 10).join(', ')}, …` : taking.join(', ')
  const what = `${taking.length} of ${assigned} tasks are being taken over (${which})`
  return { state: 'restoring', reason: restored === undefined ? what : `${what}: ${restored}` }
}
