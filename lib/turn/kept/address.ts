import type { CarriedRecord, CarriedTurn } from './carried.js'
import type { FieldReader, FieldWriter } from './fields.js'

/** A carried turn without the headers and the value of its record, which are not always in the same place. */
export interface Address extends Omit<CarriedRecord, 'headers' | 'value'>, Omit<CarriedTurn, 'record'> {}

/** First field. Raised with each change of the form. */
const format = 2
/** The same with a stream time at the end, which only turns of sessions have. */
const timedFormat = 3

/** The event time goes with it: brokers may refuse it as the timestamp of one of our records, or put another in its place. */
export function writeAddress(
  fields: FieldWriter,
  { source, record, way, element, letter, streamTime }: CarriedTurn,
): void {
  const { topic, partition, offset, timestamp, key } = record
  fields.int(streamTime === undefined ? format : timedFormat)
  fields.text(source).text(topic).int(partition).number(offset).number(timestamp).bytes(key)
  fields
    .int(way)
    .int(element)
    .int(letter ?? 0)
  if (streamTime !== undefined) fields.number(streamTime)
}

/** Throws `RangeError` for bytes that are no address. */
export function readAddress(fields: FieldReader): Address {
  const found = fields.int()
  if (found !== format && found !== timedFormat)
    throw new RangeError(`it has format ${found}, this program knows ${format} and ${timedFormat}`)
  const source = fields.text()
  const topic = fields.text()
  const partition = fields.int()
  const offset = fields.number()
  const timestamp = fields.number()
  const key = fields.bytes()
  const way = fields.int()
  const element = fields.int()
  const number = fields.int()
  const letter = number === 0 ? undefined : number
  const streamTime = found === timedFormat ? fields.number() : undefined
  return { source, topic, partition, offset, timestamp, key, way, element, letter, streamTime }
}
