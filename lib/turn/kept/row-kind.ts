import type { Codec } from '../../codec/codec.js'
import { jsonText } from '../../codec/json/json-text.js'
import type { StoredCodec } from '../../codec/stored.js'
import { latin1Text, utf8Text } from '../../core/bytes.js'
import type { BatchRule } from '../../log/batch-rules.js'
import { dueKey, type DueTime } from '../../state/due.js'
import type { StateKind } from '../../state/table.js'
import { eachDue, heldAtMs, isHeld, rowKind, type Row } from './row.js'

/**
 * Rows of objects begin with a name of a kind, which none of these does: whatever stands in a key of an object, it is not one
 * of a part.
 */
const partPrefix = '+'

/** Key of the row of one part. `name` is no beginning of another. */
export const partRow = (owner: string, name: string, index: number): string => `${partPrefix}${name}.${index}/${owner}`

export const isPartRow = (row: string): boolean => row.startsWith(partPrefix)

/** What stands in the row of a part begins with this, one character per byte; all other rows are JSON. */
export const partMark = '\u0002'

export const isPart = (stored: string): boolean => stored.startsWith(partMark)

const stored: StoredCodec = {
  encode: (state) => (typeof state === 'string' ? state : jsonText(state)),
  decode: (text) => (isPart(text) ? text : JSON.parse(text)),
  raw: undefined,
  wire: (text) => (isPart(text) ? Buffer.from(text, 'latin1') : text),
  fromWire: (bytes, start, end) =>
    bytes[start] === partMark.charCodeAt(0) ? latin1Text(bytes, start, end) : utf8Text(bytes, start, end),
}

const codec: Codec<unknown> = {
  format: 'rows',
  encode: (state) => stored.wire(stored.encode(state)),
  decode: (bytes) => stored.decode(stored.fromWire(Buffer.from(bytes), 0, bytes.length)),
}

/** The kind of rows, which knows how large a record its topic takes. */
export interface RowStateKind extends StateKind {
  readonly rule: BatchRule
}

export const rowStateKind = (rule: BatchRule): RowStateKind => ({
  name: rowKind,
  codec,
  stored,
  rule,
  dues: (key: string, text: string) => (isPartRow(key) ? [] : duesOf(JSON.parse(text) as Row, key)),
  passing: isPartRow,
})

function duesOf(row: Row, key: string): readonly string[] {
  const dues: string[] = []
  const list = (time: DueTime, dueMs: number): void => {
    dues.push(dueKey(time, { dueMs, kind: rowKind, key }))
  }
  eachDue(row, list)
  if (isHeld(row)) list('processing', heldAtMs)
  return dues
}
