import type { SourceConnector, SourceContext } from '../connect/index.js'
import { anything, callback, checkOptions, flag, given, required, rule, whole, type Rules } from '../core/options.js'
import { addressOf, anAddress, type RabbitmqAddress } from './address.js'
import { QueueConsumer } from './consumer.js'
import type { RabbitmqMessage } from './message.js'
import { checkDeclaration, queueName, type RabbitmqQueueDeclaration } from './queues.js'

export interface RabbitmqSourceOptions {
  /** `amqp://user:password@host:5672/vhost`, `amqps://…` for TLS, or an object. */
  readonly url: string | RabbitmqAddress
  /** One or more, each read by one process at a time, in its order. */
  readonly queue: string | readonly string[]
  /** Messages of a queue that the server sends before they are acknowledged, which is after their commit: what is in memory at most. @default 1000 */
  readonly prefetch?: number
  /** What tells a message from all others, so that one that is delivered again is not written again; undefined: nothing does. @default its messageId */
  readonly id?: (message: RabbitmqMessage) => string | undefined
  /** Of the record. @default what the source's `key` option gives of the value, or none */
  readonly key?: (message: RabbitmqMessage) => string | null
  /** Of the record, in milliseconds since the epoch. @default when it arrives */
  readonly timestamp?: (message: RabbitmqMessage) => number
  /** All processes read all queues, and the server shares the messages out; then no ids are remembered. @default false */
  readonly everywhere?: boolean
  /** Makes queues that are not there, durable unless it says otherwise. @default they must be there */
  readonly declare?: RabbitmqQueueDeclaration
}

const rules: Rules<RabbitmqSourceOptions> = {
  // It may hold a password, and is not shown where it is refused.
  url: given(anAddress),
  queue: required(
    rule('the name of a queue, or a list of different names', (value) => {
      const names = Array.isArray(value) ? (value as readonly unknown[]) : [value]
      return names.length > 0 && names.every(queueName.fits) && new Set(names).size === names.length
    }),
  ),
  prefetch: whole(1, 65_535),
  id: callback('a function that gives the id of a message, or undefined'),
  key: callback('a function that gives the key of a message, or null'),
  timestamp: callback('a function that gives the time of a message in milliseconds'),
  everywhere: flag,
  declare: anything,
}

/**
 * Messages of RabbitMQ queues, each acknowledged when its record is committed. So each is written at least once; once, where it has an
 * id that comes again within the source's `idWindow`. Needs the package `amqplib`. Throws `OPTIONS_INVALID`.
 */
export function rabbitmqSource(options: RabbitmqSourceOptions): SourceConnector {
  const where = 'rabbitmqSource'
  checkOptions(where, options, rules)
  checkDeclaration(where, options.declare)
  const address = addressOf(options.url, where)
  const { queue, prefetch = 1_000, everywhere = false, declare } = options
  const queues = typeof queue === 'string' ? [queue] : [...queue]
  return Object.freeze({
    kind: 'rabbitmq',
    delivery: 'acknowledged',
    partitions: Object.freeze(queues),
    everywhere,
    open: (context: SourceContext) => ({
      [Symbol.asyncIterator]: () => new QueueConsumer({ address, prefetch, declare, record: options, context }),
    }),
  })
}
