import type { ConsumeMessage } from 'amqplib'
import { reasonOf } from '../core/errors.js'

/** A message as it comes from a queue, for the functions of a source. */
export interface RabbitmqMessage {
  readonly content: Uint8Array
  readonly queue: string
  /** The one it was sent to; the default exchange is ''. */
  readonly exchange: string
  readonly routingKey: string
  /** It was delivered before, and not acknowledged. */
  readonly redelivered: boolean
  readonly properties: RabbitmqProperties
}

/** What AMQP 0-9-1 has beside the content: https://www.rabbitmq.com/docs/publishers#message-properties. Left out what the sender left out. */
export interface RabbitmqProperties {
  readonly contentType?: string
  readonly contentEncoding?: string
  /** As amqplib reads them: text, numbers, booleans, null, bytes, lists and tables of these; `{ '!': 'timestamp', value }` and `{ '!': 'decimal', value }`. */
  readonly headers?: Readonly<Record<string, unknown>>
  /** 1: not written to disk; 2: persistent. */
  readonly deliveryMode?: number
  readonly priority?: number
  readonly correlationId?: string
  readonly replyTo?: string
  /** Milliseconds, as text. */
  readonly expiration?: string
  readonly messageId?: string
  /** Seconds since the epoch, says AMQP; not all senders know. */
  readonly timestamp?: number
  readonly type?: string
  readonly userId?: string
  readonly appId?: string
}

export function messageOf({ content, fields, properties }: ConsumeMessage, queue: string): RabbitmqMessage {
  const { exchange, routingKey, redelivered } = fields
  // amqplib has undefined for what is not there.
  return { content, queue, exchange, routingKey, redelivered, properties: properties as RabbitmqProperties }
}

/** What a function among the options gives. Throws with its name what it throws. */
export function called<A, R>(name: string, make: (argument: A) => R, argument: A): R {
  try {
    return make(argument)
  } catch (cause) {
    throw new Error(`the function ${name} threw: ${reasonOf(cause)}`, { cause })
  }
}
