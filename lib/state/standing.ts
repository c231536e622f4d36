import { MillraceError } from '../core/errors.js'
import type { StoreMeta } from './meta.js'

// Rule positions-with-state (integration/model).
/**
 * Where a task stands in its inputs, and which topics those are. Kept in the changelog of timers beside its rows, so that state
 * goes on from where it is when the offsets of the group are gone: one record with each commit, and one when the topics are
 * others than before. A task without state keeps its own in the partition of another, whose store passes them over.
 */
export interface Standing {
  /** Of its inputs, by topic. */
  readonly positions: ReadonlyMap<string, number>
  /** The id of each topic that the app reads or keeps state in, by name. */
  readonly topics: ReadonlyMap<string, string>
}

/** As far as it is known; `topics` is undefined when nothing was ever kept. */
export type KnownStanding = Pick<StoreMeta, 'positions' | 'topics'>

/** Not the key of any row: those of objects begin with the name of a kind. */
const positionsKey = '*positions/'
const topicsKey = '*topics/'

/** Keys and values of what a commit writes of it; `known` is what was written last. */
export function standingRecords(
  task: number,
  known: KnownStanding | undefined,
  { positions, topics }: Standing,
): readonly (readonly [key: string, value: string])[] {
  const at = [positionsKey + task, JSON.stringify(Object.fromEntries(positions))] as const
  const unchanged = known?.topics !== undefined && isSame(topics, known.topics)
  return unchanged ? [at] : [at, [topicsKey + task, JSON.stringify(Object.fromEntries(topics))]]
}

/** Whether a key in the changelog of timers is of such a record. */
export function isStandingKey(key: string): boolean {
  return key.startsWith(positionsKey) || key.startsWith(topicsKey)
}

/** What is known after one more record. One of another task tells nothing. Throws `STATE_UNREADABLE`. */
export function withStanding(known: KnownStanding, task: number, key: string, value: string): KnownStanding {
  if (key === positionsKey + task) return { ...known, positions: parsed(key, value, isPosition) }
  if (key === topicsKey + task) return { ...known, topics: parsed(key, value, isId) }
  return known
}

function parsed<T>(key: string, value: string, isOne: (value: unknown) => value is T): Record<string, T> {
  try {
    const all: unknown = JSON.parse(value)
    if (typeof all === 'object' && all !== null && Object.values(all).every(isOne)) return all as Record<string, T>
  } catch {
    // Told below.
  }
  const what = `record '${key}' of the changelog of timers cannot be read: something else has written to it, or it is damaged`
  throw new MillraceError('STATE_UNREADABLE', `${what}. Set the group's offsets by hand and begin with another app id.`)
}

const isPosition = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0
const isId = (value: unknown): value is string => typeof value === 'string'

function isSame(topics: ReadonlyMap<string, string>, known: Readonly<Record<string, string>>): boolean {
  const names = Object.keys(known)
  return names.length === topics.size && names.every((name) => topics.get(name) === known[name])
}
