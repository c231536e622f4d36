import { RecordRefused } from '../core/record-refused.js'
import type { KindDefinition } from '../model/kind.js'
import type { SessionWindow } from '../model/window.js'
import type { Failures } from './failing/failures.js'
import { closeId } from './kept/turn-source.js'
import type { Work } from './running/work.js'
import { tooLate } from './untimely.js'
import { isLate, type Sessions } from './windows/sessions.js'
import { hasFixedWindows, hasWindow } from './windows/windows.js'

/**
 * A turn of a windowed kind as it is run, however long it has waited: one that closes closes only what is there and over by
 * then; a record finds the sessions that it would have found when it came, or is late as it was then.
 */
export function inItsWindow(work: Work, failures: Failures): Work {
  const { source, agenda } = work
  const { window } = source.kind
  if (source.id === closeId) return { ...work, isDue: () => isOver(work) }
  if (window?.kind !== 'session') return work
  const streamTime = work.streamTime ?? agenda.streamTime(source.kindIndex)
  const placed: Work = { ...work, streamTime, isDue: () => isTaken(placed, window, streamTime, failures) }
  return placed
}

/** Why turns of an object cannot be run: the program has changed since, and what its key says is no window. */
export function windowError(kind: KindDefinition, object: string): RecordRefused | undefined {
  if (!hasFixedWindows(kind) || hasWindow(object)) return undefined
  return new RecordRefused(
    'DEFINITION_INVALID',
    `it is of '${object}', which has no window, as all objects of '${kind.name}' have now. Give a kind another name when it gets windows.`,
    { kind: kind.name, key: object },
  )
}

function isOver({ table, entry, now, source, agenda }: Work): boolean {
  const { key, state } = entry
  const dueMs = state === undefined ? Infinity : (table.kind.eventDue?.(key, state) ?? Infinity)
  // Sessions that were extended by turns before it.
  if (dueMs > now && dueMs < Infinity) agenda.add({ dueMs, kind: source.kind.name, key })
  return dueMs <= now
}

function isTaken(work: Work, window: SessionWindow, streamTime: number, failures: Failures): boolean {
  const { record, entry } = work
  if (!isLate(entry.state as Sessions | undefined, record.timestamp, window, streamTime)) return true
  failures.refused(work, tooLate(work, streamTime), window.late)
  return false
}
