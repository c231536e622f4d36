import type { LetterFilter } from '../../app/replaying/letters.js'
import { CliError } from '../frame/exits.js'

export interface FilterOptions {
  readonly kind?: string
  readonly key?: string
  readonly code?: string
  readonly topic?: string
  /** Milliseconds since the epoch. */
  readonly since?: number
  readonly until?: number
  readonly letter?: string
}

export function filterOf({ kind, key, code, topic, since, until, letter }: FilterOptions): LetterFilter {
  const given = {
    kind,
    key,
    code,
    topic,
    from: since,
    to: until,
    letter: letter === undefined ? undefined : placeOf('--letter', letter),
  }
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as LetterFilter
}

export const isEmptyFilter = (filter: LetterFilter): boolean => Object.keys(filter).length === 0

/** `partition@offset`. Throws what a user reads. */
export function placeOf(where: string, name: string): { readonly partition: number; readonly offset: number } {
  const [, partition, offset] = /^(\d{1,9})@(\d{1,15})$/.exec(name) ?? []
  if (partition !== undefined && offset !== undefined) return { partition: Number(partition), offset: Number(offset) }
  throw new CliError('usage', `${where} is no letter: give its partition and offset, as ls lists it: 0@12`)
}
