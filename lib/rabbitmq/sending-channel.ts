import type { ConfirmChannel, Message } from 'amqplib'
import { idleClock } from '../core/clock.js'
import { MillraceError, reasonOf } from '../core/errors.js'
import { inTime, type Connection } from './connection.js'
import type { Outgoing } from './outgoing.js'
import { ensureQueue, type RabbitmqQueueDeclaration } from './queues.js'

/** Where messages go, and what is to be there. */
export interface Target {
  readonly exchange?: string
  readonly queue?: string
  readonly declare?: RabbitmqQueueDeclaration
}

/** What became of messages, by the offsets of their records. */
export interface Outcome {
  readonly confirmed: readonly number[]
  /** No queue takes them; with what the server says. */
  readonly returned: ReadonlyMap<number, string>
  /** The server could not take these now. */
  readonly nacked: number
}

/** How long who is to stop waits for confirms: without them all would be sent again by whoever comes next. */
const lastConfirmsMs = 2_000

/** A channel on which the server confirms messages. Once it has a failure it is of no use any more. */
export class SendingChannel {
  readonly #connection: Connection
  readonly #channel: ConfirmChannel
  readonly #exchange: string
  #failure: Error | undefined
  #pending = 0
  #confirmed: number[] = []
  #returned = new Map<number, string>()
  #nacked = 0
  /** Whoever waits for room, or for the last confirm, looks again. */
  #wake: () => void = () => undefined

  private constructor(connection: Connection, channel: ConfirmChannel, { exchange = '', queue }: Target) {
    this.#connection = connection
    this.#channel = channel
    this.#exchange = exchange
    connection.onFailure((failure) => this.#fail(failure))
    channel.on('error', (error) => this.#fail(this.#lost(reasonOf(error))))
    // The connection says why, where it is closed with all its channels, and says so after them.
    channel.on('close', () => queueMicrotask(() => this.#fail(this.#lost('its channel was closed'))))
    channel.on('drain', () => this.#wake())
    channel.on('return', (message) => {
      this.#returned.set(offsetOf(message), reasonFor(message))
      // Not the message is to blame, if all go to the same queue.
      if (queue !== undefined) this.#fail(this.#lost(`there is no queue '${queue}' any more`))
    })
  }

  /** Rejects with what keeps messages from being sent. */
  static async open(connection: Connection, target: Target): Promise<SendingChannel> {
    const { exchange = '', queue, declare } = target
    let sending: SendingChannel | undefined
    try {
      const channel = await connection.confirmChannel()
      sending = new SendingChannel(connection, channel, target)
      if (queue !== undefined) await ensureQueue(channel, queue, declare)
      if (exchange !== '') await channel.checkExchange(exchange)
      return sending
    } catch (cause) {
      // Of what is asked for when it fails the reason is here, else with the channel.
      throw sending?.failure ?? connection.failure ?? lost(connection, exchange, reasonOf(cause))
    }
  }

  get failure(): Error | undefined {
    return this.#failure
  }

  /** Sends the message of a record; a promise when others are to wait until there is room. Throws when it is no message that can be sent. */
  send(offset: number, { routingKey, content, options }: Outgoing): Promise<void> | undefined {
    try {
      const hasRoom = this.#channel.publish(this.#exchange, routingKey, content, options, (error) =>
        this.#settle(offset, error),
      )
      this.#pending++
      return hasRoom ? undefined : this.#woken()
    } catch (error) {
      // A channel that is being closed: no fault of the message.
      if ((error as Error).name !== 'IllegalOperationError') throw error
      this.#fail(this.#lost(reasonOf(error)))
      return undefined
    }
  }

  /** Resolves when each message that was sent is confirmed, returned or nacked, or is of a channel that has failed. */
  async outcome(signal: AbortSignal): Promise<Outcome> {
    const stopping = (): void => void idleClock.sleep(lastConfirmsMs).then(() => this.#stopped())
    if (signal.aborted) stopping()
    else signal.addEventListener('abort', stopping, { once: true })
    while (this.#pending > 0 && this.#failure === undefined) await this.#woken()
    signal.removeEventListener('abort', stopping)
    const outcome = { confirmed: this.#confirmed, returned: this.#returned, nacked: this.#nacked }
    this.#confirmed = []
    this.#returned = new Map()
    this.#nacked = 0
    return outcome
  }

  /** Never rejects. */
  async close(): Promise<void> {
    const closed = inTime(Promise.resolve().then(() => this.#channel.close()))
    // Of one that has failed nothing is expected.
    if (this.#failure === undefined) await closed
  }

  #stopped(): void {
    if (this.#pending > 0) this.#fail(this.#lost('it stops, and the server has not confirmed them in time'))
  }

  #settle(offset: number, error: unknown): void {
    this.#pending--
    if (error === null || error === undefined) {
      // A message that is returned is confirmed as well, after that.
      if (!this.#returned.has(offset)) this.#confirmed.push(offset)
    } else this.#nacked++
    if (this.#pending === 0) this.#wake()
  }

  #woken(): Promise<void> {
    if (this.#failure !== undefined) return Promise.resolve()
    return new Promise((resolve) => (this.#wake = resolve))
  }

  #fail(failure: Error): void {
    this.#failure ??= failure
    this.#wake()
  }

  #lost(reason: string): MillraceError {
    return lost(this.#connection, this.#exchange, reason)
  }
}

function lost(connection: Connection, exchange: string, reason: string): MillraceError {
  const to = exchange === '' ? 'the default exchange' : `exchange '${exchange}'`
  return new MillraceError('CONNECTOR_FAILED', `no messages to ${to} of RabbitMQ as ${connection.address}: ${reason}`)
}

/** Of the record that a message is of: the end of its messageId. */
function offsetOf({ properties }: Message): number {
  const id = String(properties.messageId)
  return Number(id.slice(id.lastIndexOf('-') + 1))
}

function reasonFor({ fields }: Message): string {
  const { exchange, routingKey, replyText } = fields as Message['fields'] & { readonly replyText?: string }
  const to = exchange === '' ? 'the default exchange' : `exchange '${exchange}'`
  return `no queue takes messages to ${to} with routing key '${routingKey}' (${String(replyText)})`
}
