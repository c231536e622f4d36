import { RecordRefused } from '../core/record-refused.js'
import type { KindDefinition } from '../model/kind.js'
import type { WindowBounds } from '../model/turn.js'
import type { WindowDefinition } from '../model/window.js'
import type { Failures } from './failing/failures.js'
import { isReleased, type Row } from './kept/row.js'
import { closeId } from './kept/turn-source.js'
import type { Work } from './running/work.js'
import { leftBehind, tooLate } from './untimely.js'
import { isLate, type Sessions } from './windows/sessions.js'
import { hasFixedWindows, hasWindow } from './windows/windows.js'

/**
 * A turn of a windowed kind as it is run, however long it has waited: one that closes closes only what is there and over by
 * then; a record finds the sessions that it would have found when it came, or is late as it was then. Only the windows of an object
 * whose quarantine was lifted have not waited.
 */
export function inItsWindow(work: Work, failures: Failures): Work {
  const { source, agenda, letter } = work
  const { window } = source.kind
  if (source.id === closeId) return { ...work, isDue: () => isOver(work) }
  if (window === undefined || (window.kind !== 'session' && letter === undefined)) return work
  const now = agenda.streamTime(source.kindIndex)
  const isBehind = letter !== undefined && isReleased(rowOf(work), letter.number)
  const placed: Work = {
    ...work,
    streamTime: window.kind !== 'session' ? undefined : isBehind ? now : (work.streamTime ?? now),
    isDue: () => isTaken(placed, isBehind ? now : undefined, failures),
  }
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

/** `behindAt`: the stream time at which a dead letter comes whose window has not waited for it. */
function isTaken(work: Work, behindAt: number | undefined, failures: Failures): boolean {
  const { record, entry, source, window: bounds, streamTime = -Infinity } = work
  const window = source.kind.window as WindowDefinition
  const late =
    window.kind === 'session'
      ? isLate(entry.state as Sessions | undefined, record.timestamp, window, streamTime)
      : behindAt !== undefined && (bounds as WindowBounds).end + window.graceMs <= behindAt
  if (!late) return true
  if (behindAt === undefined) failures.refused(work, tooLate(work, streamTime), window.late)
  else failures.refused(work, leftBehind(work), 'dead-letter')
  return false
}

const rowOf = ({ agenda, source, entry }: Work): Row | undefined =>
  agenda.row(source.kind.name, entry.key).state as Row | undefined
