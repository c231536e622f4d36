import { utf8Text } from '../../core/bytes.js'
import type { LogPort } from '../../log/port.js'
import { timerTopic } from '../../model/names.js'
import { isStandingKey } from '../../state/standing.js'
import { isPartRow } from '../../turn/kept/row-kind.js'
import { objectOf, type Row } from '../../turn/kept/row.js'
import { topicExtents } from '../../log/client/extents.js'
import { answersIn } from './scan.js'

/** What is noted of an object beside its state. */
export interface FoundRow {
  readonly kind: string
  readonly key: string
  readonly row: Row
}

/**
 * As they stand in the log now, those rows of an app in which something stands under one of these names, by the key of the row. An
 * app without state has none.
 */
export async function rowsWith(
  log: LogPort,
  app: string,
  names: readonly (keyof Row)[],
  signal: AbortSignal,
  onRead: (records: number) => void = () => undefined,
): Promise<ReadonlyMap<string, FoundRow>> {
  const rows = new Map<string, FoundRow>()
  // Others are not parsed: there may be millions, and few of these.
  const marks = names.map((name) => `"${name}":`)
  let read = 0
  for (const stretch of (await topicExtents(log, timerTopic(app))) ?? []) {
    for await (const records of answersIn(log, stretch, signal)) {
      for (const { bytes, keyStart, keyEnd, valueStart, valueEnd } of records) {
        read++
        const key = keyStart < 0 ? '' : utf8Text(bytes, keyStart, keyEnd)
        if (key === '' || isPartRow(key) || isStandingKey(key)) continue
        const text = valueStart < 0 ? '' : utf8Text(bytes, valueStart, valueEnd)
        const row = marks.some((mark) => text.includes(mark)) ? rowIn(text) : undefined
        const object = objectOf(key)
        // The name may have stood in a text that is something else.
        if (row !== undefined && object !== undefined && names.some((name) => row[name] !== undefined))
          rows.set(key, { ...object, row })
        else rows.delete(key)
      }
      onRead(read)
    }
  }
  return rows
}

/** Undefined for what no version of this library has written. */
function rowIn(text: string): Row | undefined {
  try {
    const row: unknown = JSON.parse(text)
    return typeof row === 'object' && row !== null ? (row as Row) : undefined
  } catch {
    return undefined
  }
}
