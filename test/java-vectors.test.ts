import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { batchBuilder } from '../lib/log/batch-builder.js'
import {
  attributesAt,
  baseSequenceAt,
  codecAt,
  fieldAt,
  headerBytes,
  isControl,
  isLogAppendTime,
  isTransactional,
  maxTimestampAt,
  producerEpochAt,
  producerIdAt,
  verifyBatch,
} from '../lib/log/format/batch-header.js'
import {
  compressionOf,
  inflate,
  loadCompression,
  loadCompressions,
  type Compression,
} from '../lib/log/compression/compression.js'
import { recordCursor } from '../lib/log/cursor.js'
import { murmur2, partitionOfKey } from '../lib/log/murmur2.js'
import { controlBatch, stampBaseOffset, stampBatch } from '../lib/log/format/stamp.js'

interface HashVector {
  readonly key: string
  readonly murmur2: number
  readonly partitions: Readonly<Record<string, number>>
}

interface RecordVector {
  readonly offset: number
  readonly timestamp: number
  readonly key: string | null
  readonly value: string | null
  readonly headers?: readonly (readonly [string, string | null])[]
}

/** A batch, and what the Java client reads in it. */
interface BatchVector {
  readonly name: string
  readonly compression: string
  readonly baseOffset: number
  readonly nextOffset: number
  readonly maxTimestamp: number
  readonly producerId: number
  readonly producerEpoch: number
  readonly baseSequence: number
  readonly isTransactional: boolean
  readonly isControl: boolean
  readonly logAppendTime: boolean
  readonly records: readonly RecordVector[]
  readonly hex: string
}

function vectorsOf<T>(file: string): readonly T[] {
  return JSON.parse(readFileSync(join(__dirname, 'vectors', file), 'utf8')) as T[]
}

const hashes = vectorsOf<HashVector>('murmur2.json')
const batches = vectorsOf<BatchVector>('batches.json')
const ours = vectorsOf<BatchVector>('ours.json')

describe('murmur2', () => {
  it('gives what Java gives', () => {
    const ours = hashes.map(({ key }) => murmur2(Buffer.from(key), 0, Buffer.byteLength(key)))
    expect(ours).toEqual(hashes.map((vector) => vector.murmur2))
  })

  it('puts each key into the partition that Java puts it into', () => {
    for (const { key, partitions } of hashes) {
      const ours = Object.keys(partitions).map((count) => [count, partitionOfKey(key, Number(count))])
      expect([key, Object.fromEntries(ours)]).toEqual([key, partitions])
    }
  })
})

describe('a batch made by the Java client', () => {
  it.each(batches)('is read as Java reads it: $name', readsAsJava)

  it.each(['commit', 'abort'] as const)('is made by us byte for byte: %s marker', (type) => {
    const vector = batches.find(({ name }) => name === `${type} marker`)
    expect(controlBatch(type, 4_000_000_000n, 7, 1_700_000_000_000).toString('hex')).toBe(vector?.hex)
  })
})

describe('a batch made by us that the Java client has read', () => {
  it.each(ours)('is read as Java reads it: $name', readsAsJava)

  // So that what Java accepted once is what is made today.
  it.each(ours.filter(isBuiltFromWhatItShows))('is still made in the same way: $name', async (vector) => {
    const compression = vector.compression as Compression
    await loadCompression(compression)
    const [made, accepted] = [built(vector, compression), Buffer.from(vector.hex, 'hex')].map(unpacked)
    expect(made).toEqual(accepted)
  })
})

async function readsAsJava(vector: BatchVector): Promise<void> {
  const bytes = Buffer.from(vector.hex, 'hex')
  await loadCompressions(bytes)
  verifyBatch(bytes, 0)
  expect(headerOf(bytes)).toEqual({
    compression: vector.compression,
    maxTimestamp: vector.maxTimestamp,
    producerId: vector.producerId,
    producerEpoch: vector.producerEpoch,
    baseSequence: vector.baseSequence,
    isTransactional: vector.isTransactional,
    isControl: vector.isControl,
    logAppendTime: vector.logAppendTime,
  })
  const { records, nextOffset } = read(bytes, vector.baseOffset)
  // Control records are for the filter, not for readers.
  expect(records).toEqual(vector.isControl ? [] : vector.records)
  expect(nextOffset).toBe(vector.nextOffset)
}

function isBuiltFromWhatItShows({ name, isControl, records }: BatchVector): boolean {
  const hasDigests = records.some(({ value }) => value?.startsWith('sha256:'))
  return !isControl && !hasDigests && !name.includes('rewritten')
}

function built(vector: BatchVector, compression: Compression): Buffer {
  const builder = batchBuilder({ compression })
  for (const { key, value, timestamp, headers } of vector.records) {
    const pairs = (headers ?? []).map(
      ([name, header]) => [name, header === null ? null : Buffer.from(header, 'hex')] as const,
    )
    builder.add(content(key), content(value), timestamp, new Map(pairs))
  }
  const { bytes } = builder.finish()
  const { producerEpoch, baseSequence, isTransactional: transactional } = vector
  stampBatch(bytes, { producerId: BigInt(vector.producerId), producerEpoch, baseSequence, transactional })
  stampBaseOffset(bytes, 0, vector.baseOffset)
  return bytes
}

/** Text as a string, so that both ways into a batch are taken. */
function content(hex: string | null): string | Uint8Array | null {
  if (hex === null) return null
  const bytes = Buffer.from(hex, 'hex')
  return Buffer.from(bytes.toString()).equals(bytes) ? bytes.toString() : bytes
}

/** Codecs may pack in another way from version to version: with it go length and CRC. */
function unpacked(bytes: Buffer): { readonly header: string; readonly records: string } {
  const codec = codecAt(bytes, 0)
  const records = inflate(codec, bytes.subarray(headerBytes)).toString('hex')
  const header = codec === 0 ? bytes.subarray(0, headerBytes) : bytes.subarray(fieldAt.attributes, headerBytes)
  return { header: header.toString('hex'), records }
}

function headerOf(bytes: Buffer): Omit<BatchVector, 'name' | 'baseOffset' | 'nextOffset' | 'records' | 'hex'> {
  expect(attributesAt(bytes, 0) & ~0x3f).toBe(0)
  return {
    compression: compressionOf(codecAt(bytes, 0)),
    maxTimestamp: maxTimestampAt(bytes, 0),
    producerId: Number(producerIdAt(bytes, 0)),
    producerEpoch: producerEpochAt(bytes, 0),
    baseSequence: baseSequenceAt(bytes, 0),
    isTransactional: isTransactional(bytes, 0),
    isControl: isControl(bytes, 0),
    logAppendTime: isLogAppendTime(bytes, 0),
  }
}

function read(bytes: Buffer, from: number): { readonly records: readonly RecordVector[]; readonly nextOffset: number } {
  const facts = { topic: 't', partition: 0, to: 0, highWatermark: 0, lastStableOffset: 0 }
  const cursor = recordCursor({ ...facts, bytes, from, isolation: 'committed', aborted: [] })
  const records: RecordVector[] = []
  while (cursor.next()) {
    const { offset, timestamp } = cursor
    const key = shown(cursor.keyStart < 0 ? null : cursor.bytes.subarray(cursor.keyStart, cursor.keyEnd))
    const value = shown(cursor.valueStart < 0 ? null : cursor.bytes.subarray(cursor.valueStart, cursor.valueEnd))
    const headers = [...cursor.headers()].map(([name, header]) => [name, shown(header)] as const)
    records.push({ offset, timestamp, key, value, ...(headers.length > 0 && { headers }) })
  }
  return { records, nextOffset: cursor.nextOffset }
}

/** As the vectors show bytes: long ones by their digest. */
function shown(bytes: Uint8Array | null): string | null {
  if (bytes === null) return null
  if (bytes.length > 1000) return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
  return Buffer.from(bytes).toString('hex')
}
