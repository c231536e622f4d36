import type { Channel } from 'amqplib'
import { checkOptions, flag, object, rule, type Rules } from '../core/options.js'

/** A queue that is made when it is not there. One that is there must be like this. */
export interface RabbitmqQueueDeclaration {
  /** It is there again after a restart of the server, with its persistent messages. @default true */
  readonly durable?: boolean
  /** Such as `{ 'x-queue-type': 'quorum' }`: https://www.rabbitmq.com/docs/queues#optional-arguments */
  readonly arguments?: Readonly<Record<string, unknown>>
}

/** Names of queues and exchanges, and routing keys, have 255 bytes at most. */
export const fitsName = (value: unknown): value is string =>
  typeof value === 'string' && value.isWellFormed() && Buffer.byteLength(value) <= 255

export const queueName = rule('the name of a queue, 255 bytes at most', (value) => fitsName(value) && value !== '')

const rules: Rules<RabbitmqQueueDeclaration> = { durable: flag, arguments: object('an object with the arguments') }

/** Throws `OPTIONS_INVALID`. */
export function checkDeclaration(where: string, declare: unknown): void {
  if (declare !== undefined) checkOptions(`${where}: declare`, declare, rules)
}

/** Sees to it that a queue is there. Rejects with what the server says, and then the channel is closed. */
export async function ensureQueue(
  channel: Channel,
  queue: string,
  declare: RabbitmqQueueDeclaration | undefined,
): Promise<void> {
  if (declare === undefined) await channel.checkQueue(queue)
  else await channel.assertQueue(queue, { durable: declare.durable ?? true, arguments: { ...declare.arguments } })
}
