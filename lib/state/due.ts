/** By which time something is due: the clock of the process, or the timestamps of the records its task has processed. */
export type DueTime = 'processing' | 'event'

/**
 * A store lists what is due when under keys of their own: `\0due\0`, a letter for the time, milliseconds since the epoch
 * with 16 digits, `\0`, and the store key of the object. They are written in one batch with the object they follow from, so
 * none is missing; those of earlier versions of the object stay behind, and whoever reads them looks at the object.
 */
const prefix = '\0due\0'
const digits = 16
const letters: Readonly<Record<DueTime, string>> = { processing: 'p', event: 'e' }

export interface Due {
  readonly dueMs: number
  /** Name of the kind whose object it is. */
  readonly kind: string
  readonly key: string
}

export function dueKey(time: DueTime, { dueMs, kind, key }: Due): string {
  return `${dueFrom(time, dueMs)}\0${kind}\0${key}`
}

/** Sorts before all keys that are due at this time or later. */
export function dueFrom(time: DueTime, dueMs: number): string {
  const ms = Math.min(Math.max(0, Math.ceil(dueMs)), Number.MAX_SAFE_INTEGER)
  return prefix + letters[time] + String(ms).padStart(digits, '0')
}

export function parseDue(stored: string): Due {
  const at = prefix.length + 1
  const rest = stored.slice(at + digits + 1)
  const end = rest.indexOf('\0')
  return { dueMs: Number(stored.slice(at, at + digits)), kind: rest.slice(0, end), key: rest.slice(end + 1) }
}
