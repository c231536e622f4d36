import type { SessionWindow } from '../model/window.js'
import type { Failures } from './failing/failures.js'
import { closeId } from './kept/turn-source.js'
import type { Work } from './running/work.js'
import { tooLate } from './untimely.js'
import { isLate, type Sessions } from './windows/sessions.js'

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
