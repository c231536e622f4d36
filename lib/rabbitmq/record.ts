import type { ConsumeMessage } from 'amqplib'
import type { SourceRecord } from '../connect/index.js'
import { reasonOf } from '../core/errors.js'
import { called, messageOf, type RabbitmqMessage } from './message.js'
import { recordHeaders } from './record-headers.js'

/** On an empty message: its record is a tombstone. */
export const tombstoneHeader = 'millrace.tombstone'

/** What of a source's options makes records of messages. */
export interface RecordOptions {
  readonly id?: (message: RabbitmqMessage) => string | undefined
  readonly key?: (message: RabbitmqMessage) => string | null
  readonly timestamp?: (message: RabbitmqMessage) => number
}

/** What a function throws is an error of the message, which is found again as a dead letter. */
export function recordOf(delivered: ConsumeMessage, queue: string, options: RecordOptions): SourceRecord {
  const message = messageOf(delivered, queue)
  const { messageId } = message.properties
  const name = messageId === undefined ? `delivery ${delivered.fields.deliveryTag}` : `message ${messageId}`
  const common = { headers: recordHeaders(message), at: `queue ${queue}, ${name}` }
  try {
    return { ...common, ...valueOf(message), ...fieldsOf(message, options) }
  } catch (error) {
    const id = messageId === undefined || messageId === '' ? {} : { id: messageId }
    return { ...common, ...id, bytes: message.content, refused: reasonOf(error) }
  }
}

function valueOf({ content, properties }: RabbitmqMessage): Pick<SourceRecord, 'value' | 'bytes'> {
  const isTombstone = content.length === 0 && properties.headers?.[tombstoneHeader] === true
  return isTombstone ? { value: null } : { bytes: content }
}

function fieldsOf(
  message: RabbitmqMessage,
  { id, key, timestamp }: RecordOptions,
): Pick<SourceRecord, 'id' | 'key' | 'timestamp'> {
  const ownId = id === undefined ? message.properties.messageId : called('id', id, message)
  return {
    ...(ownId === undefined || ownId === null || ownId === '' ? {} : { id: ownId }),
    ...(key === undefined ? {} : { key: called('key', key, message) }),
    ...(timestamp === undefined ? {} : { timestamp: called('timestamp', timestamp, message) }),
  }
}
