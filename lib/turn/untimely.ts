import { MillraceError } from '../core/errors.js'
import { latestTimeMs } from '../core/record-checks.js'
import type { RecordInfo } from '../core/record.js'
import { unitHint } from '../core/time-unit.js'
import type { Agenda } from './due/agenda.js'
import type { TurnSource } from './kept/turn-source.js'
import { placeOf } from './running/work.js'

/** A record on its way to the windows of a key. */
interface Placed {
  readonly source: TurnSource
  readonly agenda: Agenda
  readonly key: string
  readonly record: RecordInfo
}

/** What is wrong with the time of a record that windows are to place; undefined when nothing is. */
export function untimelyError(placed: Placed): MillraceError | undefined {
  const { agenda, record } = placed
  const { times } = agenda
  if (times === undefined) return undefined
  const rule = times.ruleOf(record.topic)
  const fault = times.fault(record.timestamp, rule)
  if (fault === undefined) return undefined
  if (fault === 'ahead')
    return error(
      'RECORD_AHEAD',
      placed,
      `of ${shown(record.timestamp)}, more than ${rule.maxAheadMs} ms ahead of the clock, which shows ${shown(times.now)}. Repair the clock or the code of its producer, or give the topic a larger maxAhead.${unitHint(record.timestamp)}`,
    )
  return error(
    'TIME_INVALID',
    placed,
    `its timestamp is ${record.timestamp}, which is no time for windows: -1 stands for none, and times are milliseconds since 1970, not microseconds or nanoseconds. Repair its producer, or give the topic a timestamp function.${unitHint(record.timestamp)}`,
  )
}

export function tooLate(placed: Placed, now: number): MillraceError {
  const what = `of ${shown(placed.record.timestamp)}, and its window is closed, since the stream is at ${shown(now)}. Give the window more grace, or set late: 'skip'.${unitHint(placed.record.timestamp)}`
  return error('RECORD_LATE', placed, what)
}

/** Of a dead letter whose window did not wait for it. */
export function leftBehind(placed: Placed): MillraceError {
  const what = `of ${shown(placed.record.timestamp)}, and its window was closed without it, since the quarantine of its object had been lifted. What it would have added is missing from what the window came to.`
  return error('RECORD_LATE', placed, what)
}

function error(
  code: 'RECORD_LATE' | 'RECORD_AHEAD' | 'TIME_INVALID',
  { source, key, record }: Placed,
  what: string,
): MillraceError {
  const { topic, partition, offset } = record
  const facts = { topic, partition, offset: Number(offset), kind: source.kind.name, key }
  return new MillraceError(code, `${placeOf(record)}: ${source.kind.name} '${key}': ${what}`, facts)
}

const shown = (ms: number): string => (Math.abs(ms) <= latestTimeMs ? new Date(ms).toISOString() : String(ms))
