/**
 * By which time something is due: the clock of the process, or the timestamps of the records its task has processed. What goes
 * by the clock waits until a backlog has been processed; `prompt`: it does not.
 */
export type DueTime = 'processing' | 'prompt' | 'event'

/**
 * A store lists what is due when under keys of their own: `\0due\0`, a letter for the time, milliseconds since the epoch,
 * `\0`, and the store key of the object. They are written in one batch with the object they follow from, so none is missing,
 * and none stays behind when it changes.
 *
 * Milliseconds have 16 digits. Before 1970 they are counted from the earliest time there is, with a dash in front, which
 * sorts before digits: an offset added to all of them would leave the whole numbers that a double can tell apart.
 */
const prefix = '\0due\0'
const digits = 16
const letters: Readonly<Record<DueTime, string>> = { processing: 'p', prompt: 'q', event: 'e' }
const last = Number.MAX_SAFE_INTEGER

export interface Due {
  readonly dueMs: number
  /** Name of the kind whose object it is. */
  readonly kind: string
  readonly key: string
}

export function dueKey(time: DueTime, { dueMs, kind, key }: Due): string {
  return `${dueFrom(time, dueMs)}\0${kind}\0${key}`
}

/** Sorts before all keys that are due at this time or later; the time may be infinite. */
export function dueFrom(time: DueTime, dueMs: number): string {
  const ms = Math.min(Math.max(-last, Math.ceil(dueMs)), last)
  return prefix + letters[time] + (ms < 0 ? `-${padded(last + ms)}` : padded(ms))
}

export function parseDue(stored: string): Due {
  const at = prefix.length + 1
  const isBefore1970 = stored.charAt(at) === '-'
  const from = isBefore1970 ? at + 1 : at
  const ms = Number(stored.slice(from, from + digits))
  const rest = stored.slice(from + digits + 1)
  const end = rest.indexOf('\0')
  return { dueMs: isBefore1970 ? ms - last : ms, kind: rest.slice(0, end), key: rest.slice(end + 1) }
}

const padded = (ms: number): string => String(ms).padStart(digits, '0')
