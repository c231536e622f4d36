import type { SinkRecord } from '../connect/index.js'
import { durationMs, type Duration } from '../core/duration.js'
import {
  anything,
  callback,
  checkOptions,
  flag,
  given,
  oneOf,
  positive,
  required,
  whole,
  type Rules,
} from '../core/options.js'
import { longestFrame } from './frames/frame-bytes.js'
import type { Frames } from './frames/frame-reader.js'
import { checkedPlace, type TcpPlace } from './place.js'
import { checkTls, type TcpTls } from './tls.js'

export interface TcpSinkOptions<V = unknown> {
  /** Where the receiver listens. Each partition of the topic has a connection of its own. */
  readonly connect: TcpPlace
  /** How frames are told apart: `length`, 4 bytes big-endian before each; or `line`, a line feed behind each. */
  readonly frames: Frames
  /**
   * The receiver answers frames once it has them for good, as a `tcpSource` with `answers` does: then each record arrives at least
   * once. Without answers records are lost, or come twice, that were on their way when a connection ends. @default false
   */
  readonly answers?: boolean
  /**
   * The frame of a record; null leaves it out. What it throws makes the record a dead letter.
   * @default the value's bytes as they are in Kafka; tombstones, which have none, are dead letters
   */
  readonly encode?: (record: SinkRecord<V>) => string | Uint8Array | null
  /** Certificates, when it speaks TLS. */
  readonly tls?: TcpTls
  /** Records with a longer frame are dead letters. @default 1048576 */
  readonly maxFrameBytes?: number
  /** For the connection and the TLS handshake. @default '10s' */
  readonly connectTimeout?: Duration
  /** For a batch to be read, and answered. After it the connection is given up, and the batch sent again. @default '30s' */
  readonly timeout?: Duration
}

const rules: Rules<TcpSinkOptions> = {
  connect: given('where the receiver listens, such as { port: 7001 }'),
  frames: required(oneOf('length', 'line')),
  answers: flag,
  encode: callback('a function that gives the frame of a record, or null'),
  tls: anything,
  maxFrameBytes: whole(1, longestFrame),
  connectTimeout: positive,
  timeout: positive,
}

/** Throws `OPTIONS_INVALID`. */
export function resolveSink<V>(options: TcpSinkOptions<V>) {
  const where = 'tcpSink'
  checkOptions(where, options, rules)
  if (options.tls !== undefined) checkTls(where, options.tls, 'connect')
  return {
    place: checkedPlace(where, options.connect, 'connect'),
    frames: options.frames,
    answers: options.answers ?? false,
    encode: options.encode ?? (({ bytes }: SinkRecord<V>) => bytesOf(bytes)),
    tls: options.tls,
    maxFrameBytes: options.maxFrameBytes ?? 1_048_576,
    connectTimeoutMs: durationMs(options.connectTimeout ?? '10s', 'connectTimeout'),
    timeoutMs: durationMs(options.timeout ?? '30s', 'timeout'),
  } as const
}

export type ResolvedSink<V> = ReturnType<typeof resolveSink<V>>

function bytesOf(bytes: Uint8Array | null): Uint8Array {
  if (bytes !== null) return bytes
  throw new Error(
    'a tombstone has no bytes to send: give encode, which says what is sent for it, or null to leave it out',
  )
}
