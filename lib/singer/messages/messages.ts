import { isUtf8 } from 'node:buffer'
import { utf8Text } from '../../core/bytes.js'
import type { Json } from '../../connect/json.js'
import { membersOf, textAt, type Members } from './members.js'

/** What a line of a program's stdout says. Source: the Singer specification 0.3.0, and what its SDKs add (`ACTIVATE_VERSION`, `BATCH`). */
export type Message =
  | { readonly kind: 'record'; readonly stream: string; readonly bytes: Buffer; readonly time: number | undefined }
  | { readonly kind: 'state'; readonly value: Json }
  | { readonly kind: 'other'; readonly type: string }
  | { readonly kind: 'bad'; readonly reason: string }

export function readMessage(line: Buffer): Message {
  const members = membersOf(line)
  if (members === undefined) return bad('no JSON object')
  const type = textAt(line, members.type)
  if (type === undefined) return bad("no message: it has no text as 'type'")
  // The specification has them in any case.
  const kind = type.toUpperCase()
  if (kind === 'RECORD' && members.value.start === -1) return recordOf(line, members)
  // Of all but records, which are many, the whole line is read, so that no damaged one is taken for something else.
  if (jsonIn(line) === undefined) return bad('no JSON object')
  if (kind === 'RECORD') return recordOf(line, members)
  if (kind === 'STATE') return stateOf(line, members)
  return { kind: 'other', type: kind.slice(0, 40) }
}

function recordOf(line: Buffer, { stream, record, time_extracted }: Members): Message {
  const name = textAt(line, stream)
  if (name === undefined) return bad("a RECORD without text as 'stream'")
  if (line[record.start] !== 0x7b) return bad("a RECORD without an object as 'record'")
  if (time_extracted.start === -1 || line[time_extracted.start] === 0x6e)
    return { kind: 'record', stream: name, bytes: line.subarray(record.start, record.end), time: undefined }
  const time = timeOf(textAt(line, time_extracted))
  if (time === undefined) return bad("a RECORD whose 'time_extracted' is no time of RFC 3339")
  return { kind: 'record', stream: name, bytes: line.subarray(record.start, record.end), time }
}

function stateOf(line: Buffer, { value }: Members): Message {
  if (value.start === -1) return bad("a STATE without 'value'")
  const parsed = jsonIn(line.subarray(value.start, value.end))
  return parsed === undefined ? bad("a STATE whose 'value' is no JSON") : { kind: 'state', value: parsed }
}

const bad = (reason: string): Message => ({ kind: 'bad', reason })

/** Undefined when it is none, or not in UTF-8. */
export function jsonIn(bytes: Buffer): Json | undefined {
  if (!isUtf8(bytes)) return undefined
  try {
    return JSON.parse(utf8Text(bytes, 0, bytes.length)) as Json
  } catch {
    return undefined
  }
}

const rfc3339 = /^(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:(\.\d{1,3})\d*)?([Zz]|[+-]\d\d:\d\d)$/

function timeOf(text: string | undefined): number | undefined {
  const match = rfc3339.exec(text ?? '')
  if (match === null) return undefined
  const [, day, time, fraction = '', zone] = match
  const ms = Date.parse(`${day}T${time}${fraction}${zone?.toUpperCase()}`)
  return Number.isNaN(ms) || ms < 0 ? undefined : ms
}
