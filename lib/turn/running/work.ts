import type { RecordInfo } from '../../core/record.js'
import type { WindowBounds } from '../../model/turn.js'
import type { Entry, Table } from '../../state/table.js'
import type { Agenda } from '../due/agenda.js'
import type { CarriedTurn, ReplayedLetter } from '../kept/carried.js'
import type { TimerName } from '../kept/timers.js'
import type { TurnSource } from '../kept/turn-source.js'

/** One turn to be run: which handler on which object, with what. */
export interface Work {
  readonly source: TurnSource
  readonly agenda: Agenda
  readonly table: Table
  readonly entry: Entry
  /** The object's key as its extractor gave it. */
  readonly key: string
  readonly value: unknown
  /** Valid until the reader goes on, unless `carried` was taken. */
  record: RecordInfo
  readonly origin: Origin
  /** The turn as it is kept: it has waited, or the reader goes on. */
  carried?: CarriedTurn | undefined
  readonly window: WindowBounds | undefined
  /** When it was due, for timers and windows that close; the record's timestamp otherwise. */
  readonly now: number
  /**
   * Of a record for sessions: how far event time was when it came. Which sessions it finds open goes by that, also when it has
   * its turn much later; undefined for all others.
   */
  readonly streamTime: number | undefined
  /** How often it has been tried before. */
  readonly tried: number
  /** It is the first of those that wait, and may pass. */
  retries: boolean
  /** Of a dead letter that is replayed. */
  readonly letter: ReplayedLetter | undefined
  /** The timer that is due: it is gone when the turn has ended, however that is. */
  readonly timer: TimerName | undefined
  /** Asked when its turn comes: whether it is still to be run. A turn before it may have taken it back. */
  readonly isDue: (() => boolean) | undefined
  /** The object is over with this turn. */
  readonly closes: boolean
}

/** How to keep a turn while its reader stands on its record, or when its timer is due. */
export interface Origin {
  carry(work: Work): CarriedTurn
}

/** What has to be kept of a turn so that it can be run again. */
export function carriedTurn(work: Work): CarriedTurn {
  return (work.carried ??= carried(work))
}

function carried(work: Work): CarriedTurn {
  const turn = work.origin.carry(work)
  return work.streamTime === undefined ? turn : { ...turn, streamTime: work.streamTime }
}

/** Where a record in trouble was. */
export function placeOf({ topic, partition, offset }: RecordInfo): string {
  return `${topic}[${partition}]@${offset}`
}
