import type { SinkConnector, SinkContext } from '../connect/index.js'
import { MillraceError } from '../core/errors.js'
import { addressOf } from './address.js'
import { longestMessageId } from './outgoing.js'
import { Publisher } from './publisher.js'
import { SharedConnection } from './shared-connection.js'
import { checkSinkOptions, type RabbitmqSinkOptions } from './sink-options.js'

/**
 * Sends records to an exchange or a queue of RabbitMQ; a batch is written when the server has confirmed all of it. Each record is sent
 * at least once, with the messageId `<topic>-<partition>-<offset>`, by which receivers know what they have. Needs the package
 * `amqplib`. Throws `OPTIONS_INVALID`.
 */
export function rabbitmqSink<V>(options: RabbitmqSinkOptions<V>): SinkConnector<V> {
  const where = 'rabbitmqSink'
  checkSinkOptions(where, options)
  const shared = new SharedConnection(addressOf(options.url, where))
  return Object.freeze({
    kind: 'rabbitmq',
    open(context: SinkContext) {
      checkTopic(context.topic)
      return Publisher.open({ context, shared, options })
    },
  })
}

/** The topic's name is part of the messageId, for which AMQP has 255 bytes. */
function checkTopic(topic: string): void {
  if (topic.length <= longestMessageId) return
  const message = `rabbitmqSink: the name of topic '${topic}' is longer than ${longestMessageId} characters, so that it has no place in a messageId`
  throw new MillraceError('DEFINITION_INVALID', message, { topic })
}
