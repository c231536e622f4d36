import { durationMs, type Duration } from '../core/duration.js'
import { MillraceError } from '../core/errors.js'
import {
  anything,
  callback,
  checkOptions,
  flag,
  oneOf,
  positive,
  required,
  whole,
  type Rules,
} from '../core/options.js'
import type { FrameParts } from './frame-record.js'
import type { Frames } from './frames/frame-reader.js'
import { checkedPlace, oneOfBoth, type TcpPlace } from './place.js'
import { checkTls, type TcpTls } from './tls.js'

/** Either `listen` or `connect` is given. */
export interface TcpSourceOptions {
  /** Senders connect to it. Port 0: any that is free, see `onListening`. */
  readonly listen?: TcpPlace
  /** It connects to a sender, and again, after a pause, whenever that connection ends. */
  readonly connect?: TcpPlace
  /** How frames are told apart: `length`, 4 bytes big-endian before each; or `line`, each ends with a line feed, or with both. */
  readonly frames: Frames
  /**
   * Each frame is answered once it is committed, so that a sender that sends again what was not answered loses nothing. Without
   * answers what is under way when a process dies is lost. @default false
   */
  readonly answers?: boolean
  /**
   * Of this frame and no other: one that comes again is answered, and not written again, as long as the source remembers it
   * (`idWindow`). What it throws makes the frame a dead letter.
   */
  readonly id?: (frame: Buffer) => string
  /**
   * What the frame says: `key`, `value` or `bytes`, `timestamp`, `headers`. What it throws makes the frame a dead letter.
   * @default the frame's bytes are the value, as the topic's codec reads it, without a key
   */
  readonly record?: (frame: Buffer) => FrameParts
  /**
   * Every process of the app listens, behind something that shares out connections. Without it one process does, and another when
   * that one is gone. Not together with `id`, since ids are remembered in one place; not with `connect`. @default false
   */
  readonly everywhere?: boolean
  /** Certificates, when it speaks TLS. */
  readonly tls?: TcpTls
  /** A client with a longer frame is sent away. @default 1048576 */
  readonly maxFrameBytes?: number
  /** A client of which so much waits is not read for the time being. @default 1048576 */
  readonly maxBufferedBytes?: number
  /** Others are sent away. @default 100 */
  readonly maxClients?: number
  /** A client that sends nothing for so long is sent away. @default '5m' */
  readonly idleTimeout?: Duration
  /** The same within a frame: so long a frame may take from its first byte to its last. @default '30s' */
  readonly frameTimeout?: Duration
  /** For the connection, where it connects, and the TLS handshake. @default '10s' */
  readonly connectTimeout?: Duration
  /** Most frames in one batch. @default 1000 */
  readonly batchRecords?: number
  /** Most bytes in one batch; one frame is always taken. @default 1000000 */
  readonly batchBytes?: number
  /** It listens now, here. */
  readonly onListening?: (place: { readonly host: string; readonly port: number }) => void
}

const rules: Rules<TcpSourceOptions> = {
  listen: anything,
  connect: anything,
  frames: required(oneOf('length', 'line')),
  answers: flag,
  id: callback('a function that gives the id of a frame'),
  record: callback('a function that says what is in a frame'),
  everywhere: flag,
  tls: anything,
  maxFrameBytes: whole(1),
  maxBufferedBytes: whole(1),
  maxClients: whole(1, 100_000),
  idleTimeout: positive,
  frameTimeout: positive,
  connectTimeout: positive,
  batchRecords: whole(1, 1_000_000),
  batchBytes: whole(1),
  onListening: callback(),
}

/** Throws `OPTIONS_INVALID`. */
export function resolveSource(options: TcpSourceOptions) {
  const where = 'tcpSource'
  checkOptions(where, options, rules)
  const { listen, connect, answers = false, everywhere = false, id, record, tls } = options
  oneOfBoth(where, listen, connect)
  const use = listen === undefined ? 'connect' : 'listen'
  if (tls !== undefined) checkTls(where, tls, use)
  const complain = (what: string): never => {
    throw new MillraceError('OPTIONS_INVALID', `${where}: ${what}.`)
  }
  if (everywhere && id !== undefined)
    complain('everywhere and id exclude each other: ids are remembered by the one process that listens')
  if (everywhere && connect !== undefined) complain('everywhere goes with listen: each process would read the same')
  return {
    use,
    place: checkedPlace(where, (listen ?? connect) as TcpPlace, use),
    frames: options.frames,
    answers,
    everywhere,
    id,
    record,
    tls,
    maxFrameBytes: options.maxFrameBytes ?? 1_048_576,
    maxBufferedBytes: options.maxBufferedBytes ?? 1_048_576,
    maxClients: options.maxClients ?? 100,
    idleTimeoutMs: durationMs(options.idleTimeout ?? '5m', 'idleTimeout'),
    frameTimeoutMs: durationMs(options.frameTimeout ?? '30s', 'frameTimeout'),
    connectTimeoutMs: durationMs(options.connectTimeout ?? '10s', 'connectTimeout'),
    batchRecords: options.batchRecords ?? 1_000,
    batchBytes: options.batchBytes ?? 1_000_000,
    onListening: options.onListening,
  } as const
}

export type ResolvedSource = ReturnType<typeof resolveSource>
