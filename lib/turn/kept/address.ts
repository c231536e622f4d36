import type { CarriedRecord, CarriedTurn, ReplayedLetter } from './carried.js'
import type { FieldReader, FieldWriter } from './fields.js'

/** A carried turn without the headers and the value of its record, which are not always in the same place. */
export interface Address extends Omit<CarriedRecord, 'headers' | 'value'>, Omit<CarriedTurn, 'record'> {}

/** First field. Raised with each change of the form. */
const format = 2
/** Added to it: a stream time at the end, which only turns of sessions have; which dead letter it is, before that. */
const timed = 1
const lettered = 2

/** The event time goes with it: brokers may refuse it as the timestamp of one of our records, or put another in its place. */
export function writeAddress(
  fields: FieldWriter,
  { source, record, way, element, letter, streamTime }: CarriedTurn,
): void {
  const { topic, partition, offset, timestamp, key } = record
  fields.int(format + (streamTime === undefined ? 0 : timed) + (letter === undefined ? 0 : lettered))
  fields.text(source).text(topic).int(partition).number(offset).number(timestamp).bytes(key)
  fields.int(way).int(element)
  if (letter !== undefined) {
    const { series, number, behind, isDropped } = letter
    fields
      .text(series)
      .int(number)
      .int(behind)
      .int(isDropped ? 1 : 0)
  }
  if (streamTime !== undefined) fields.number(streamTime)
}

/** Throws `RangeError` for bytes that are no address. */
export function readAddress(fields: FieldReader): Address {
  const found = fields.int()
  const parts = found - format
  if (parts < 0 || parts > timed + lettered)
    throw new RangeError(`it has format ${found}, this program knows ${format} to ${format + timed + lettered}`)
  const source = fields.text()
  const topic = fields.text()
  const partition = fields.int()
  const offset = fields.number()
  const timestamp = fields.number()
  const key = fields.bytes()
  const way = fields.int()
  const element = fields.int()
  const letter = (parts & lettered) === 0 ? undefined : readLetter(fields)
  const streamTime = (parts & timed) === 0 ? undefined : fields.number()
  return { source, topic, partition, offset, timestamp, key, way, element, letter, streamTime }
}

function readLetter(fields: FieldReader): ReplayedLetter {
  const series = fields.text()
  const number = fields.int()
  const behind = fields.int()
  return { series, number, behind, isDropped: fields.int() === 1 }
}
