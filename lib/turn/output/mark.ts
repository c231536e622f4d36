import { asBuffer } from '../../core/bytes.js'
import { firstHeader, noHeaders, surrounded } from '../../log/format/header-section.js'
import type { HeaderSection } from '../../log/format/record-headers.js'
import { FieldReader, FieldWriter } from '../kept/fields.js'

/**
 * A record in an inbox that is none of any object: what the owner of source partitions says of how far event time has come in
 * them. It has no key and no value, and one header, of ours. It stands behind all that hopped before.
 */
const ours = 'mr-mark'

/** First field. Raised with each change of the form. */
const format = 1

/** What is said of one source partition. */
export interface MarkEntry {
  readonly topic: string
  readonly partition: number
  /** The latest timestamp, milliseconds since the epoch; -Infinity when there was none. */
  readonly latest: number
  readonly isSilent: boolean
  /** Of one that is silent: up to where it has been read. */
  readonly position: number | undefined
}

const fields = new FieldWriter()

export function packMark(entries: readonly MarkEntry[]): HeaderSection {
  fields.int(format).int(entries.length)
  for (const { topic, partition, latest, isSilent, position } of entries)
    fields
      .text(topic)
      .int(partition)
      .number(latest)
      .int(isSilent ? 1 : 0)
      .number(position ?? -1)
  return surrounded([[ours, fields.take()]], noHeaders, [])
}

/** Undefined for a record that is no mark. Throws `RangeError` for one that is not as this program writes it. */
export function readMark(section: HeaderSection): readonly MarkEntry[] | undefined {
  const bytes = firstHeader(section, ours)
  if (!bytes) return undefined
  const read = new FieldReader(asBuffer(bytes))
  const found = read.int()
  if (found !== format) throw new RangeError(`its mark has format ${found}, this program knows ${format}`)
  const entries: MarkEntry[] = []
  for (let left = read.int(); left > 0; left--) entries.push(readEntry(read))
  if (!read.atEnd) throw new RangeError(`${ours} is longer than it should be`)
  return entries
}

function readEntry(read: FieldReader): MarkEntry {
  const topic = read.text()
  const partition = read.int()
  const latest = read.number()
  const isSilent = read.int() === 1
  const position = read.number()
  return { topic, partition, latest, isSilent, position: position >= 0 ? position : undefined }
}
