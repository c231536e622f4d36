import type { PartitionCounts } from './growth.js'

/** What members and leader tell each other through the group protocol: JSON, so that it can grow and be read in tools. */

/** From a member, with its JoinGroup. */
export interface MemberTells {
  /** Its transactional id. */
  readonly transactions: string
  /** What people know the process by, and where it can be asked over HTTP: a URL, empty when nowhere. */
  readonly instance: string
  readonly http: string
  readonly holds: readonly number[]
  /** Tasks it keeps a standby of, and those of them that are up to date. */
  readonly standbys: readonly number[]
  readonly current: readonly number[]
  /** How far each of its stores is. */
  readonly stores: readonly (readonly [task: number, position: number])[]
  /** Of the sources, as far as it knows. */
  readonly partitions: PartitionCounts
}

/** From the leader, with each assignment. */
export interface LeaderTells {
  readonly tasks: readonly number[]
  /** Tasks to keep a standby of. */
  readonly standbys: readonly number[]
  /** Transactional ids of all living members: every other one of the app may be fenced. */
  readonly alive: readonly string[]
  /**
   * The transactional id this member told. Not the one of the process that reads it when that took over a static member's
   * place, which happens without a round: then it is its dead predecessor's.
   */
  readonly you: string
  /** Of the sources: what all members work with in this generation. */
  readonly partitions: PartitionCounts
}

export function encodeTold(told: MemberTells | LeaderTells): Uint8Array {
  return Buffer.from(JSON.stringify(told))
}

/** What cannot be read counts as nothing: a member of another version may tell it in another way. */
export function memberTells(bytes: Uint8Array): MemberTells {
  const told = parse(bytes)
  return {
    transactions: text(told['transactions']),
    instance: text(told['instance']),
    http: text(told['http']),
    holds: numbers(told['holds']),
    standbys: numbers(told['standbys']),
    current: numbers(told['current']),
    stores: list(told['stores']).flatMap(storeOf),
    partitions: counts(told['partitions']),
  }
}

/** Undefined when it was not a leader of ours that assigned. */
export function leaderTells(bytes: Uint8Array): LeaderTells | undefined {
  const told = parse(bytes)
  if (!Array.isArray(told['tasks'])) return undefined
  return {
    tasks: numbers(told['tasks']),
    standbys: numbers(told['standbys']),
    alive: list(told['alive']).map(text),
    you: text(told['you']),
    partitions: counts(told['partitions']),
  }
}

function parse(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  try {
    return record(JSON.parse(Buffer.from(bytes).toString('utf8')))
  } catch {
    return {}
  }
}

const record = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])
const text = (value: unknown): string => (typeof value === 'string' ? value : '')
const isCount = (value: unknown): value is number => Number.isInteger(value) && (value as number) >= 0
const numbers = (value: unknown): readonly number[] => list(value).filter(isCount)
const counts = (value: unknown): PartitionCounts =>
  Object.fromEntries(Object.entries(record(value)).flatMap(([topic, n]) => (isCount(n) ? [[topic, n]] : [])))

/** A number alone is a task whose position is not told. */
function storeOf(value: unknown): readonly (readonly [number, number])[] {
  const [task, position = 0] = Array.isArray(value) ? (value as unknown[]) : [value]
  return isCount(task) && isCount(position) ? [[task, position]] : []
}
