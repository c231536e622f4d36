import type { SinkRecord } from '../connect/index.js'
import { MillraceError } from '../core/errors.js'
import { anything, callback, checkOptions, flag, given, oneOf, rule, type Rules } from '../core/options.js'
import { anAddress, type RabbitmqAddress } from './address.js'
import type { RabbitmqProperties } from './message.js'
import { checkDeclaration, fitsName, queueName, type RabbitmqQueueDeclaration } from './queues.js'

export interface RabbitmqSinkOptions<V = unknown> {
  /** `amqp://user:password@host:5672/vhost`, `amqps://…` for TLS, or an object. */
  readonly url: string | RabbitmqAddress
  /** Where messages are sent to, by their routing key. One of the two is needed: this, or `queue`. */
  readonly exchange?: string
  /** Of each message. @default the record's key, '' where it has none */
  readonly routingKey?: string | ((record: SinkRecord<V>) => string)
  /** The queue that all messages go to, instead of an exchange. While it is missing, nothing is refused, and writing is tried again. */
  readonly queue?: string
  /** Makes `queue` when it is not there, durable unless it says otherwise. @default it must be there */
  readonly declare?: RabbitmqQueueDeclaration
  /** Messages survive a restart of the server, in queues that do. @default true */
  readonly persistent?: boolean
  /** A message that no queue takes is refused and its record becomes a dead letter; false: the server drops it. @default true */
  readonly mandatory?: boolean
  /** What becomes of a tombstone: an empty message with the header `millrace.tombstone`, or none. @default 'send' */
  readonly tombstones?: 'send' | 'skip'
  /** More properties of a message: `contentType`, `correlationId`, `headers`, … Its messageId, timestamp and deliveryMode are the sink's. */
  readonly properties?: (record: SinkRecord<V>) => Omit<RabbitmqProperties, 'messageId' | 'timestamp' | 'deliveryMode'>
}

const aName = (what: string): Rules<RabbitmqSinkOptions>['exchange'] => rule(`${what}, 255 bytes at most`, fitsName)

const rules: Rules<RabbitmqSinkOptions<never>> = {
  // It may hold a password, and is not shown where it is refused.
  url: given(anAddress),
  exchange: aName('the name of an exchange'),
  routingKey: rule(
    'a routing key of 255 bytes at most, or a function that gives it',
    (value) => typeof value === 'function' || fitsName(value),
  ),
  queue: queueName,
  declare: anything,
  persistent: flag,
  mandatory: flag,
  tombstones: oneOf('send', 'skip'),
  properties: callback('a function that gives properties of a message'),
}

/** Throws `OPTIONS_INVALID`. */
export function checkSinkOptions(where: string, options: RabbitmqSinkOptions<never>): void {
  checkOptions(where, options, rules)
  checkDeclaration(where, options.declare)
  checkTarget(where, options)
}

function checkTarget(where: string, { exchange, queue, routingKey, declare }: RabbitmqSinkOptions<never>): void {
  const complain = (what: string): never => {
    throw new MillraceError('OPTIONS_INVALID', `${where}: ${what}.`)
  }
  if (exchange === undefined && queue === undefined) complain('exchange and queue are missing; give one of them')
  if (queue !== undefined && (exchange !== undefined || routingKey !== undefined))
    complain('with queue there is no exchange and no routingKey: all messages go to that queue')
  if (queue === undefined && declare !== undefined) complain('declare is about a queue; give queue')
}
