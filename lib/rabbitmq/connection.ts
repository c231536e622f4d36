import type { Channel, ChannelModel, ConfirmChannel, connect } from 'amqplib'
import { isIP } from 'node:net'
import type { Duplex } from 'node:stream'
import { systemClock } from '../core/clock.js'
import { MillraceError, reasonOf } from '../core/errors.js'
import { shownAddress, type Address } from './address.js'

/** How long a server is waited for that is asked to end something; what is left then is cut off. */
const patienceMs = 2_000

/** A connection to a server, which can say why it is of no use any more. */
export class Connection {
  readonly #model: ChannelModel
  readonly #listeners = new Set<(failure: Error) => void>()
  readonly address: string
  #failure: Error | undefined

  private constructor(model: ChannelModel, address: string) {
    this.#model = model
    this.address = address
    model.on('error', (error) => this.#fail(reasonOf(error)))
    model.on('close', (error) => this.#fail(error === undefined ? 'the connection was closed' : reasonOf(error)))
  }

  /**
   * `name` is shown in the server's list of connections. Rejects with `PACKAGE_MISSING`, or with `CONNECTOR_FAILED` which says what
   * the server or the network says.
   */
  static async open(address: Address, name: string): Promise<Connection> {
    const amqplib = await amqplibIfInstalled()
    const { hostname, port, username, password, vhost, heartbeat, tls, connectTimeoutMs } = address
    const shown = shownAddress(address)
    try {
      // Of a URL amqplib would decode name and password as Latin-1, and this is what it does to a vhost here too.
      const target = { hostname, port, username, password, vhost: encodeURIComponent(vhost), heartbeat }
      const protocol = tls === undefined ? 'amqp' : 'amqps'
      const servername = isIP(hostname) === 0 ? { servername: hostname } : {}
      const model = await amqplib.connect(
        { ...target, protocol },
        {
          ...servername,
          ...tls,
          noDelay: true,
          keepAlive: true,
          timeout: connectTimeoutMs,
          clientProperties: { connection_name: name },
        },
      )
      return new Connection(model, shown)
    } catch (cause) {
      throw new MillraceError('CONNECTOR_FAILED', `no connection to RabbitMQ as ${shown}: ${refusal(cause)}`, { cause })
    }
  }

  get failure(): Error | undefined {
    return this.#failure
  }

  /** Calls back, once, when it is lost, or has been. */
  onFailure(listener: (failure: Error) => void): void {
    if (this.#failure === undefined) this.#listeners.add(listener)
    else listener(this.#failure)
  }

  async channel(): Promise<Channel> {
    return await this.#model.createChannel()
  }

  async confirmChannel(): Promise<ConfirmChannel> {
    return await this.#model.createConfirmChannel()
  }

  /** Never rejects. */
  async close(): Promise<void> {
    this.#listeners.clear()
    if (this.#failure === undefined) await inTime(this.#model.close())
    // amqplib ends its half and waits for the server's: one that is frozen would keep this process alive. The error ends its timers too.
    const { stream } = this.#model.connection as { readonly stream?: Duplex }
    stream?.destroy(new Error('closed'))
  }

  #fail(reason: string): void {
    if (this.#failure !== undefined) return
    this.#failure = new MillraceError(
      'CONNECTOR_FAILED',
      `the connection to RabbitMQ as ${this.address} is lost: ${reason}`,
    )
    for (const listener of this.#listeners) listener(this.#failure)
    this.#listeners.clear()
  }
}

/** What amqplib says, but where the server says no to the last step: it does not pass on why. */
function refusal(error: unknown): string {
  const reason = reasonOf(error)
  return reason.startsWith('Expected ConnectionOpenOk; got <ConnectionClose')
    ? 'the server refuses the vhost: it does not exist, or this user may not use it'
    : reason
}

/** Waits for what a server is asked, as long as there is hope. Never rejects: what cannot be ended any more has ended. */
export async function inTime(promise: Promise<unknown>, ms = patienceMs): Promise<void> {
  const over = new AbortController()
  await Promise.race([promise.catch(() => undefined), systemClock.sleep(ms, over.signal)])
  over.abort()
}

async function amqplibIfInstalled(): Promise<{ readonly connect: typeof connect }> {
  try {
    return await import('amqplib')
  } catch (cause) {
    throw new MillraceError(
      'PACKAGE_MISSING',
      `millrace/rabbitmq needs the package 'amqplib', which cannot be loaded (${reasonOf(cause)}). Run: npm install amqplib`,
      { cause },
    )
  }
}
