import { isUtf8 } from 'node:buffer'
import { types } from 'node:util'
import type { Options } from 'amqplib'
import type { SinkBatch, SinkRecord } from '../connect/index.js'
import { asBuffer } from '../core/bytes.js'
import { kindOf } from '../core/record-checks.js'
import { called } from './message.js'
import { fitsName } from './queues.js'
import { tombstoneHeader } from './record.js'
import type { RabbitmqSinkOptions } from './sink-options.js'

/** Characters of a topic's name that leave room in 255 bytes for a partition and an offset. */
export const longestMessageId = 227

const propertyNames = [
  'contentType',
  'contentEncoding',
  'priority',
  'correlationId',
  'replyTo',
  'expiration',
  'type',
  'userId',
  'appId',
] as const

/** A message as amqplib takes it. */
export interface Outgoing {
  readonly routingKey: string
  readonly content: Buffer
  readonly options: Options.Publish
}

/** The message of a record. Throws with what is wrong with the record, or with what the user's functions make of it. */
export function outgoing<V>(
  record: SinkRecord<V>,
  { topic, partition }: Pick<SinkBatch, 'topic' | 'partition'>,
  options: RabbitmqSinkOptions<V>,
): Outgoing {
  const { bytes, offset, timestamp } = record
  const { mandatory = true, persistent = true } = options
  const more = propertiesOf(record, options)
  return {
    routingKey: routingKeyOf(record, options),
    content: bytes === null ? Buffer.alloc(0) : asBuffer(bytes),
    options: {
      ...more,
      headers: messageHeaders(record, more.headers),
      mandatory,
      persistent,
      messageId: `${topic}-${partition}-${offset}`,
      ...(timestamp < 0 ? {} : { timestamp: Math.floor(timestamp / 1_000) }),
    },
  }
}

function routingKeyOf<V>(record: SinkRecord<V>, { queue, routingKey }: RabbitmqSinkOptions<V>): string {
  if (queue !== undefined) return queue
  const key =
    typeof routingKey === 'function' ? called('routingKey', routingKey, record) : (routingKey ?? record.key ?? '')
  if (fitsName(key)) return key
  throw new Error(`its routing key is ${typeof key === 'string' ? 'longer than 255 bytes, or no text' : kindOf(key)}`)
}

function propertiesOf<V>(record: SinkRecord<V>, { properties }: RabbitmqSinkOptions<V>): Options.Publish {
  if (properties === undefined) return {}
  const given = called('properties', properties, record) as unknown
  if (typeof given !== 'object' || given === null) throw new Error(`properties gave ${kindOf(given)}; give an object`)
  const { headers, ...others } = given as Readonly<Record<string, unknown>>
  const unknown = Object.keys(others).find((name) => !propertyNames.includes(name as never))
  if (unknown !== undefined)
    throw new Error(`properties gave '${unknown}'; there are ${propertyNames.join(', ')} and headers`)
  return { ...others, headers }
}

/** What is text becomes text, since that is what nearly all receivers expect; other bytes stay bytes. */
function messageHeaders(record: SinkRecord, more: unknown): Record<string, unknown> {
  const headers = Object.create(null) as Record<string, unknown>
  for (const [name, value] of record.headers) {
    // With these two names a header says where a message goes.
    const free = name === 'CC' || name === 'BCC' ? `record.${name}` : name
    headers[free] = value === null ? null : isUtf8(value) ? asBuffer(value).toString() : Buffer.from(value)
  }
  for (const [name, value] of Object.entries(more ?? {}))
    headers[name] = types.isDate(value) ? { '!': 'timestamp', value: Math.floor(value.getTime() / 1_000) } : value
  if (record.bytes === null) headers[tombstoneHeader] = true
  const long = Object.keys(headers).find((name) => Buffer.byteLength(name) > 255)
  if (long !== undefined) throw new Error(`the name of header '${long.slice(0, 40)}…' is longer than 255 bytes`)
  return headers
}
