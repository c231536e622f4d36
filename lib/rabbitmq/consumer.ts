import type { Channel, ConsumeMessage } from 'amqplib'
import type { SourceBatch, SourceContext } from '../connect/index.js'
import { MillraceError, reasonOf } from '../core/errors.js'
import { shownAddress, type Address } from './address.js'
import { Connection, inTime } from './connection.js'
import { ensureQueue, type RabbitmqQueueDeclaration } from './queues.js'
import { recordOf, type RecordOptions } from './record.js'

/** How long commits that are under way at the end may take, so that their messages are acknowledged. */
const lastAcksMs = 4_000

export interface ConsumerOptions {
  readonly address: Address
  readonly prefetch: number
  readonly declare: RabbitmqQueueDeclaration | undefined
  readonly record: RecordOptions
  readonly context: SourceContext
}

/** Reads one queue over a connection of its own, until it is told to stop, or anything of it is lost: then it throws what that was. */
export class QueueConsumer implements AsyncIterator<SourceBatch> {
  readonly #options: ConsumerOptions
  readonly #queue: string
  /** Delivered and not yet given on. */
  #messages: ConsumeMessage[] = []
  #connection: Connection | undefined
  #channel: Channel | undefined
  #consumerTag = ''
  #opening: Promise<void> | undefined
  #closing: Promise<void> | undefined
  #failure: Error | undefined
  /** Up to this delivery all are acknowledged; and how many behind it were given on and are not. */
  #ackedUpTo = 0
  #given = 0
  /** The server has let it read, and whoever runs it is to hear of that, also when no message comes. */
  #hasNews = false
  #wake: () => void = () => undefined
  #allAcked: () => void = () => undefined

  constructor(options: ConsumerOptions) {
    this.#options = options
    this.#queue = options.context.partition
    options.context.signal.addEventListener('abort', () => this.#wake(), { once: true })
  }

  async next(): Promise<IteratorResult<SourceBatch>> {
    const { signal } = this.#options.context
    if (!signal.aborted) this.#opening ??= this.#open()
    while (!signal.aborted && this.#closing === undefined) {
      if (this.#failure !== undefined) {
        await this.#close()
        throw this.#failure
      }
      if (this.#hasNews) {
        this.#hasNews = false
        return { done: false, value: { records: [] } }
      }
      if (this.#messages.length > 0) return { done: false, value: this.#batch() }
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
    // Not waited for: what is under way is acknowledged by whoever waits for this.
    void this.#close()
    return { done: true, value: undefined }
  }

  /** Resolves when the server has what was not acknowledged back. */
  async return(): Promise<IteratorResult<SourceBatch>> {
    await this.#close()
    return { done: true, value: undefined }
  }

  /** Half of what may be under way at most: while that is committed, the rest arrives. */
  #batch(): SourceBatch {
    const most = Math.ceil(this.#options.prefetch / 2)
    const messages = this.#messages.splice(0, most)
    this.#given += messages.length
    const records = messages.map((message) => recordOf(message, this.#queue, this.#options.record))
    return { records, ack: () => this.#ack(messages) }
  }

  #ack(messages: readonly ConsumeMessage[]): void {
    const [first, last] = [messages[0]!, messages.at(-1)!]
    // Whatever has been lost meanwhile, the server has them again and they come again: with ids they are known then.
    if (this.#failure !== undefined) throw this.#failure
    // A batch before it that is not acknowledged is to come again.
    if (first.fields.deliveryTag === this.#ackedUpTo + 1) {
      this.#channel!.ack(last, true)
      this.#ackedUpTo = last.fields.deliveryTag
    } else for (const message of messages) this.#channel!.ack(message)
    this.#given -= messages.length
    if (this.#given === 0) this.#allAcked()
  }

  /** Never rejects. */
  async #open(): Promise<void> {
    const { address, declare, prefetch, context } = this.#options
    try {
      const connection = await Connection.open(address, `millrace source ${context.source}, queue ${this.#queue}`)
      // It took longer than whoever is to stop could wait.
      if (this.#closing !== undefined) return await connection.close()
      this.#connection = connection
      connection.onFailure((failure) => this.#fail(failure))
    } catch (error) {
      return this.#fail(error as Error)
    }
    try {
      const channel = await this.#connection.channel()
      this.#channel = channel
      channel.on('error', (error) => this.#fail(this.#lost(reasonOf(error))))
      // The connection says why, where it is closed with all its channels, and says so after them.
      channel.on('close', () => queueMicrotask(() => this.#fail(this.#lost('its channel was closed'))))
      await channel.prefetch(prefetch)
      await ensureQueue(channel, this.#queue, declare)
      const arrived = (message: ConsumeMessage | null): void => this.#arrived(message)
      this.#consumerTag = (await channel.consume(this.#queue, arrived)).consumerTag
      this.#hasNews = true
      this.#wake()
    } catch (cause) {
      // What is asked of a channel that the server closes has two ways of failing.
      this.#fail(this.#lost(reasonOf(cause)))
    }
  }

  #arrived(message: ConsumeMessage | null): void {
    if (message === null) this.#fail(this.#lost('the server has ended it: the queue was deleted, or has moved'))
    else if (this.#messages.push(message) === 1) this.#wake()
  }

  #lost(reason: string): MillraceError {
    const at = shownAddress(this.#options.address)
    return new MillraceError(
      'CONNECTOR_FAILED',
      `queue '${this.#queue}' of RabbitMQ as ${at} cannot be read: ${reason}`,
    )
  }

  #fail(failure: Error): void {
    if (this.#closing !== undefined) return
    this.#failure ??= failure
    this.#wake()
  }

  /** Tells the server to send no more, and lets go when what is under way is acknowledged, or patience is over. */
  #close(): Promise<void> {
    return (this.#closing ??= this.#end())
  }

  async #end(): Promise<void> {
    if (this.#opening !== undefined) await inTime(this.#opening)
    const [connection, channel] = [this.#connection, this.#channel]
    if (channel !== undefined && this.#failure === undefined) {
      await inTime(Promise.resolve().then(() => channel.cancel(this.#consumerTag)))
      if (this.#given > 0) await inTime(new Promise<void>((resolve) => (this.#allAcked = resolve)), lastAcksMs)
      await inTime(Promise.resolve().then(() => channel.close()))
    }
    this.#failure ??= this.#lost('it was closed')
    await connection?.close()
  }
}
