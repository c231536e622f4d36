import { SinkRefused, type SinkBatch, type SinkContext, type SinkPartition } from '../connect/index.js'
import { MillraceError, reasonOf } from '../core/errors.js'
import { outgoing } from './outgoing.js'
import { SendingChannel } from './sending-channel.js'
import type { SharedConnection } from './shared-connection.js'
import type { RabbitmqSinkOptions } from './sink-options.js'

export interface PublisherOptions<V> {
  readonly context: SinkContext
  readonly shared: SharedConnection
  readonly options: RabbitmqSinkOptions<V>
}

/** Sends the records of one partition over a channel of its own, and opens another when that is lost. */
export class Publisher<V> implements SinkPartition<V> {
  readonly #given: PublisherOptions<V>
  #channel: SendingChannel | undefined
  /** Of a batch that failed: what the server has of it, and need not get again. */
  readonly #confirmed = new Set<number>()

  private constructor(given: PublisherOptions<V>) {
    this.#given = given
  }

  /** Rejects with what keeps it from sending. */
  static async open<V>(given: PublisherOptions<V>): Promise<Publisher<V>> {
    const publisher = new Publisher(given)
    given.shared.enter()
    try {
      await publisher.#open()
      return publisher
    } catch (error) {
      await given.shared.leave()
      throw error
    }
  }

  async write(batch: SinkBatch<V>): Promise<void> {
    const channel = await this.#open()
    const refused = await this.#send(batch, channel)
    const { confirmed, returned, nacked } = await channel.outcome(this.#given.context.signal)
    for (const offset of confirmed) this.#confirmed.add(offset)
    if (this.#given.options.queue === undefined) for (const [offset, reason] of returned) refused.set(offset, reason)
    // The others that fail are of the next try, without these.
    if (refused.size > 0) throw new SinkRefused(refused)
    if (channel.failure !== undefined) throw channel.failure
    if (nacked > 0) throw nackedError(nacked)
    for (const offset of this.#confirmed) if (offset < batch.nextOffset) this.#confirmed.delete(offset)
  }

  async close(): Promise<void> {
    await this.#channel?.close()
    await this.#given.shared.leave()
  }

  /** What is wrong with those that cannot be sent, by offset. */
  async #send(batch: SinkBatch<V>, channel: SendingChannel): Promise<Map<number, string>> {
    const { options } = this.#given
    const refused = new Map<number, string>()
    for (const record of batch.records) {
      if (this.#confirmed.has(record.offset) || (record.bytes === null && options.tombstones === 'skip')) continue
      if (channel.failure !== undefined) break
      try {
        const full = channel.send(record.offset, outgoing(record, batch, options))
        if (full !== undefined) await full
      } catch (error) {
        refused.set(record.offset, reasonOf(error))
      }
    }
    return refused
  }

  async #open(): Promise<SendingChannel> {
    if (this.#channel !== undefined && this.#channel.failure === undefined) return this.#channel
    void this.#channel?.close()
    const { context, shared, options } = this.#given
    const opening = shared
      .connection(`millrace sink ${context.sink}`)
      .then((connection) => SendingChannel.open(connection, options))
    return (this.#channel = await unlessStopped(opening, context.signal))
  }
}

/** A server that does not answer is not waited for by who is to stop. */
async function unlessStopped<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  let stop = (): void => undefined
  const stopped = new Promise<never>((_, reject) => {
    stop = () => reject(new MillraceError('CONNECTOR_FAILED', 'it stops, and RabbitMQ has not answered in time'))
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop)
  })
  try {
    return await Promise.race([work, stopped])
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

function nackedError(count: number): MillraceError {
  const messages = count === 1 ? 'a message' : `${count} messages`
  const message = `RabbitMQ has refused ${messages} for now (nack): a queue is full, or cannot write`
  return new MillraceError('CONNECTOR_FAILED', message)
}
