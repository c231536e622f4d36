/**
 * The codecs of record batches. gzip is Node's own; the others are optional peers, imported when a batch first needs them
 * and synchronous from then on, so that reading a batch never costs a promise.
 */
import { gunzipSync, gzipSync } from 'node:zlib'
import { asBuffer } from '../../core/bytes.js'
import { MillraceError } from '../../core/errors.js'
import { inflatedLimit, type BatchCodec } from './batch-codec.js'
import { batchEnd, codecAt } from '../format/batch-header.js'
import { lz4Codec, snappyCodec, zstdCodec } from './peer-codecs.js'

/** How the records of a batch are packed; the broker's `compression.type` says what it stores. */
export type Compression = 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd'

/** By the number in the attributes of a batch. */
const names = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const satisfies readonly Compression[]

const none: BatchCodec = { inflate: (bytes) => bytes, deflate: (bytes) => bytes }
const gzip: BatchCodec = {
  inflate: (bytes) => gunzipSync(bytes, { maxOutputLength: inflatedLimit }),
  // 325 MB/s for JSON; level 6, zlib's default, 109 MB/s for a tenth less.
  deflate: (bytes) => gzipSync(bytes, { level: 1 }),
}
const loaders = { snappy: snappyCodec, lz4: lz4Codec, zstd: zstdCodec }
const ready = new Map<Compression, BatchCodec>([
  ['none', none],
  ['gzip', gzip],
])
const loading = new Map<Compression, Promise<void>>()

/** The number of a codec in the attributes of a batch. */
export function codecNumber(name: Compression): number {
  return names.indexOf(name)
}

/** The codec of that number. Throws `COMPRESSION_UNAVAILABLE` when Kafka has none (KIP-110). */
export function compressionOf(codec: number): Compression {
  const name = names[codec]
  if (name !== undefined) return name
  throw new MillraceError('COMPRESSION_UNAVAILABLE', `Compression codec ${codec} is not one of ${names.join(', ')}.`)
}

/**
 * Makes every codec ready that the batches in `bytes` need; undefined when all are, which is the rule.
 * Rejects with `COMPRESSION_UNAVAILABLE`. Stops at bytes that are no batch.
 */
export function loadCompressions(bytes: Uint8Array): Promise<void> | undefined {
  const batches = asBuffer(bytes)
  const missing = new Set<Compression>()
  for (let at = 0, end = endOf(batches, at); end >= 0; at = end, end = endOf(batches, at)) {
    const name = names[codecAt(batches, at)]
    if (name !== undefined && !ready.has(name)) missing.add(name)
  }
  if (missing.size === 0) return undefined
  return Promise.all([...missing].map(loadCompression)).then(() => undefined)
}

/** Makes one codec ready. Rejects with `COMPRESSION_UNAVAILABLE` when its package is not installed; may then be tried again. */
export async function loadCompression(name: Compression): Promise<void> {
  if (name === 'none' || name === 'gzip' || ready.has(name)) return
  let waiting = loading.get(name)
  if (waiting === undefined) {
    waiting = loaders[name]()
      .then((codec) => void ready.set(name, codec))
      .finally(() => loading.delete(name))
    loading.set(name, waiting)
  }
  await waiting
}

/** Unpacks the records of a batch with the codec of that number. Throws `COMPRESSION_UNAVAILABLE` when it is not loaded. */
export function inflate(codec: number, bytes: Uint8Array): Buffer {
  return readyCodec(compressionOf(codec)).inflate(asBuffer(bytes))
}

/** Packs the records of a batch. Throws `COMPRESSION_UNAVAILABLE` when the codec is not loaded. */
export function deflate(name: Compression, bytes: Uint8Array): Buffer {
  return readyCodec(name).deflate(asBuffer(bytes))
}

function readyCodec(name: Compression): BatchCodec {
  const codec = ready.get(name)
  if (codec !== undefined) return codec
  throw new MillraceError('COMPRESSION_UNAVAILABLE', `${name} is not loaded: await loadCompression('${name}') first.`)
}

/** Damage is the cursor's to report, which knows topic, partition and offset. */
function endOf(bytes: Buffer, at: number): number {
  try {
    return batchEnd(bytes, at)
  } catch {
    return -1
  }
}
