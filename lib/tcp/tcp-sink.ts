import {
  SinkRefused,
  type SinkBatch,
  type SinkConnector,
  type SinkContext,
  type SinkPartition,
} from '../connect/index.js'
import { reasonOf } from '../core/errors.js'
import { isBytes } from '../core/bytes.js'
import { kindOf } from '../core/record-checks.js'
import { connect } from './connect.js'
import { noFrame } from './frames/frame-bytes.js'
import { placeName } from './place.js'
import { Receiver } from './receiver.js'
import { resolveSink, type ResolvedSink, type TcpSinkOptions } from './sink-options.js'

/**
 * Records as frames over TCP: `sink('counts', { from: counts, to: tcpSink({ connect: { port: 7001 }, frames: 'line' }) })`. With
 * `answers` each arrives at least once; without, those are lost, or come twice, that were under way when a connection ends. Throws `OPTIONS_INVALID`.
 */
export function tcpSink<V = unknown>(options: TcpSinkOptions<V>): SinkConnector<V> {
  const resolved = resolveSink(options)
  const delivery = resolved.answers ? 'acknowledged' : 'volatile'
  return { kind: 'tcp', delivery, open: (context) => new Partition<V>(resolved, context) }
}

interface Frame {
  readonly offset: number
  readonly bytes: Uint8Array
}

class Partition<V> implements SinkPartition<V> {
  readonly #options: ResolvedSink<V>
  readonly #context: SinkContext
  #receiver: Receiver | undefined
  /** Of a batch that was not taken as a whole, the last that the receiver has dealt with: up to there it is not sent again. */
  #answered = -1
  /** Of those, which it has refused, by offset. */
  readonly #refused = new Map<number, string>()

  constructor(options: ResolvedSink<V>, context: SinkContext) {
    this.#options = options
    this.#context = context
    context.signal.addEventListener('abort', () => void this.close(), { once: true })
  }

  async write(batch: SinkBatch<V>): Promise<void> {
    const frames = this.#framesOf(batch).filter(({ offset }) => offset > this.#answered)
    if (frames.length > 0) await this.#send(frames)
    const refused = new Map(
      [...this.#refused].filter(([offset]) => batch.records.some((each) => each.offset === offset)),
    )
    for (const offset of refused.keys()) this.#refused.delete(offset)
    if (refused.size > 0) throw new SinkRefused(refused)
    // Later batches are others, whatever their offsets: a topic may be made anew.
    if (batch.nextOffset > this.#answered) this.#answered = -1
  }

  async #send(frames: readonly Frame[]): Promise<void> {
    const receiver = await this.#connected()
    const offsetOf = (place: number): number => (frames[place] as Frame).offset
    const all = frames.map(({ bytes }) => bytes)
    await receiver.send(all, {
      answered: (count) => {
        this.#answered = offsetOf(count - 1)
      },
      refused: (place, why) => this.#refused.set(offsetOf(place), why),
    })
  }

  async close(): Promise<void> {
    await this.#receiver?.close()
  }

  async #connected(): Promise<Receiver> {
    if (this.#receiver !== undefined && !this.#receiver.isBroken) return this.#receiver
    const { host, port } = this.#options.place
    const socket = await connect(this.#options, this.#context.signal)
    this.#receiver = new Receiver(socket, placeName(host, port), this.#options)
    if (this.#context.signal.aborted) await this.close()
    return this.#receiver
  }

  /** Throws `SinkRefused` for those that have none. */
  #framesOf({ records }: SinkBatch<V>): Frame[] {
    const { frames, encode, maxFrameBytes } = this.#options
    const refused = new Map<number, string>()
    const all: Frame[] = []
    for (const record of records) {
      try {
        const bytes = checkedFrame(encode(record))
        if (bytes === null) continue
        const why = noFrame(frames, bytes, maxFrameBytes)
        if (why === undefined) all.push({ offset: record.offset, bytes })
        else refused.set(record.offset, why)
      } catch (error) {
        refused.set(record.offset, reasonOf(error))
      }
    }
    if (refused.size > 0) throw new SinkRefused(refused)
    return all
  }
}

function checkedFrame(frame: unknown): Uint8Array | null {
  if (frame === null || isBytes(frame)) return frame
  if (typeof frame === 'string' && frame.isWellFormed()) return Buffer.from(frame)
  const what = typeof frame === 'string' ? 'text with half a surrogate pair' : kindOf(frame)
  throw new Error(`'encode' gave ${what}; it gives text, bytes, or null to leave the record out`)
}
