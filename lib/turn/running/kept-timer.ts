import { asBuffer } from '../../core/bytes.js'
import { firstHeader, noHeaders, surrounded } from '../../log/format/header-section.js'
import type { HeaderSection } from '../../log/format/record-headers.js'
import type { Row } from '../kept/row.js'
import { isPutOff, payloadOf, type TimerName } from '../kept/timers.js'
import { carriedInfo } from '../kept/turn-source.js'
import { carriedTurn, type Work } from './work.js'

/** The id of a timer goes with its turn as a header. */
const idHeader = 'millrace.timer.id'

export const timerHeaders = ({ id }: TimerName): HeaderSection =>
  id === undefined ? noHeaders : surrounded([[idHeader, Buffer.from(id)]], noHeaders, [])

/**
 * The turn of a timer that has waited, or was a dead letter: what the row says of the timer now is what counts. It is not to be
 * run when a turn before it has taken the timer back or moved it, or the object was deleted.
 */
export function keptTimer(work: Work, name: string): Work {
  const { agenda, source, entry, now } = work
  const kept = carriedTurn(work)
  const id = firstHeader(kept.record.headers, idHeader)
  const timer = { name, id: id ? asBuffer(id).toString('utf8') : undefined }
  const isDue = (): boolean => {
    const { state } = agenda.row(source.kind.name, entry.key)
    return entry.state !== undefined && isPutOff(state as Row | undefined, timer, now)
  }
  const row = agenda.row(source.kind.name, entry.key)
  const payload = payloadOf((row.state ?? {}) as Row, agenda.partsOf(row), timer)
  if (payload === undefined) return { ...work, timer, isDue }
  const carried = { ...kept, record: { ...kept.record, value: Buffer.from(payload) } }
  return { ...work, timer, isDue, carried, record: carriedInfo(source, carried.record), value: JSON.parse(payload) }
}
