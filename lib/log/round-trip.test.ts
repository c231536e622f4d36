import { randomBytes } from 'node:crypto'
import * as fc from 'fast-check'
import { batchBuilder } from './batch-builder.js'
import { headerBytes, maxTimestampAt, verifyBatch } from './format/batch-header.js'
import { loadCompression, type Compression } from './compression/compression.js'
import { recordCursor } from './cursor.js'
import { stampBaseOffset, stampBatch } from './format/stamp.js'
import type { FinishedBatch, RecordCursor } from './port.js'

type Content = string | Uint8Array | null
interface Entry {
  key: Content
  value: Content
  timestamp: number
  headers: Map<string, Uint8Array | null> | undefined
}

const compressions: Compression[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd']
beforeAll(async () => {
  for (const name of compressions) await loadCompression(name)
})

// At fast-check's default size texts would stay below ten characters, and never take the ways of longer ones.
const size = 'max'
const text = fc.oneof(
  fc.string({ maxLength: 60, size }),
  fc.string({ unit: 'grapheme', maxLength: 60, size }),
  fc.string({ unit: 'binary', maxLength: 60, size }),
  // Twice or three times as many bytes as characters: cut after as many bytes as it has characters, still whole characters.
  fc.tuple(fc.constantFrom('é', '鍵'), fc.nat(90)).map(([letter, count]) => letter.repeat(count) + 'x'.repeat(count)),
  // Around where the builder begins to count instead of guessing, with one character that makes it wrong.
  fc
    .tuple(fc.integer({ min: 1000, max: 1100 }), fc.constantFrom('', 'é', '鍵', '🔑'))
    .map(([n, last]) => 'x'.repeat(n) + last),
)
const content: fc.Arbitrary<Content> = fc.oneof(text, fc.uint8Array({ maxLength: 80, size }), fc.constant(null))
const headers = fc.array(fc.tuple(text, fc.option(fc.uint8Array({ maxLength: 20 }))), { maxLength: 4 })
const entry: fc.Arbitrary<Entry> = fc.record({
  key: content,
  value: content,
  timestamp: fc.oneof(
    fc.integer({ min: 1_700_000_000_000, max: 1_700_000_100_000 }),
    fc.integer({ min: -1, max: 4_000_000_000_000 }),
  ),
  headers: fc.option(
    headers.map((pairs) => new Map(pairs)),
    { nil: undefined },
  ),
})

function bytesOf(content: Content): string | null {
  return content === null ? null : Buffer.from(content as string).toString('hex')
}

function shown({ key, value, timestamp, headers }: Entry, offset: number): object {
  const pairs = [...(headers ?? [])].map(([name, header]) => [Buffer.from(name).toString(), bytesOf(header)])
  return { offset, timestamp, key: bytesOf(key), value: bytesOf(value), headers: pairs }
}

function seen(cursor: RecordCursor): object[] {
  const records: object[] = []
  while (cursor.next()) {
    const { offset, timestamp, bytes, keyStart, keyEnd, valueStart, valueEnd } = cursor
    const key = keyStart < 0 ? null : bytes.subarray(keyStart, keyEnd)
    const value = valueStart < 0 ? null : bytes.subarray(valueStart, valueEnd)
    records.push(shown({ key, value, timestamp, headers: new Map(cursor.headers()) }, offset))
    expect(cursor.nextOffset).toBe(offset + 1)
  }
  return records
}

function cursorOver(bytes: Buffer, from = 0): RecordCursor {
  const facts = { topic: 'orders', partition: 3, to: 0, highWatermark: 0, lastStableOffset: 0 }
  return recordCursor({ ...facts, bytes, from, isolation: 'committed', aborted: [] })
}

function stamped({ bytes }: FinishedBatch, baseOffset: number): Buffer {
  stampBatch(bytes, { producerId: 7n, producerEpoch: 2, baseSequence: 40, transactional: true })
  stampBaseOffset(bytes, 0, baseOffset)
  return bytes
}

it.each(compressions)('gives back every record of several batches, %s', (compression) => {
  fc.assert(
    fc.property(fc.array(fc.array(entry, { minLength: 1, maxLength: 12 }), { maxLength: 4 }), (batches) => {
      const builder = batchBuilder({ compression, initialBytes: 100 })
      const parts: Buffer[] = []
      const expected: object[] = []
      let baseOffset = 1000
      for (const entries of batches) {
        for (const { key, value, timestamp, headers } of entries) builder.add(key, value, timestamp, headers)
        expected.push(...entries.map((one, index) => shown(one, baseOffset + index)))
        const batch = stamped(builder.finish(), baseOffset)
        verifyBatch(batch, 0)
        expect(maxTimestampAt(batch, 0)).toBe(Math.max(...entries.map((one) => one.timestamp)))
        parts.push(batch)
        baseOffset += entries.length + 5
      }

      const cursor = cursorOver(Buffer.concat(parts), 1000)
      expect(seen(cursor)).toEqual(expected)
      expect(cursor.nextOffset).toBe(batches.length === 0 ? 1000 : baseOffset - 5)
      expect(cursor.next()).toBe(false)
    }),
    { numRuns: compression === 'none' ? 200 : 40 },
  )
})

it('counts the bytes and records of the batch in the making, its header included', () => {
  const builder = batchBuilder()
  const empty = [builder.size, builder.count]
  builder.add('k', 'v', 1)
  const { size } = builder
  const batch = builder.finish()
  expect([empty, batch.bytes.length, batch.records]).toEqual([[headerBytes, 0], size, 1])
  expect([builder.size, builder.count]).toEqual([headerBytes, 0])
})

it('never touches a batch it has handed out', () => {
  const builder = batchBuilder()
  builder.add('first', 'one', 1)
  const first = builder.finish().bytes
  const before = first.toString('hex')
  builder.add('second', 'two', 2)
  builder.finish()
  expect(first.toString('hex')).toBe(before)
})

it('takes values of megabytes and keeps the builder usable', () => {
  const builder = batchBuilder({ initialBytes: 64 })
  const large = 'x'.repeat(3_000_000)
  builder.add('large', large, 1)
  builder.add('keyé', `${large}é`, 1)
  const cursor = cursorOver(stamped(builder.finish(), 0))
  builder.add('k', 'small', 1)
  expect(cursor.next() && cursor.valueEnd - cursor.valueStart).toBe(3_000_000)
  expect(cursor.next() && cursor.valueEnd - cursor.valueStart).toBe(3_000_002)
  expect(seen(cursorOver(stamped(builder.finish(), 5), 5))).toHaveLength(1)
})

it('refuses to finish a batch without records', () => {
  expect(() => batchBuilder().finish()).toThrow(/add a record first/)
})

it('leaves the batch as it was when a record cannot be added', () => {
  const builder = batchBuilder()
  builder.add('k', 'v', 1)
  const broken = {
    get size(): number {
      throw new Error('broken headers')
    },
  }
  expect(() => builder.add('x', 'é', 1, broken as never)).toThrow('broken headers')
  expect(seen(cursorOver(stamped(builder.finish(), 0)))).toHaveLength(1)
})

it.each(['gzip', 'zstd'] as const)(
  'leaves a batch as it is that does not become smaller by %s, and packs one that does',
  (compression) => {
    const sizeOf = (value: Uint8Array | string): number => {
      const builder = batchBuilder({ compression })
      builder.add(null, value, 0)
      const { size } = builder
      const { length } = builder.finish().bytes
      expect(length).toBeLessThanOrEqual(size)
      return size - length
    }
    for (const bytes of [100, 600, 60_000, 600_000]) expect(sizeOf(randomBytes(bytes))).toBe(0)
    for (const bytes of [600, 60_000, 600_000]) expect(sizeOf('x'.repeat(bytes))).toBeGreaterThan(bytes * 0.9)
    // What packs in a part of it only.
    expect(sizeOf(Buffer.concat([randomBytes(400_000), Buffer.alloc(400_000)]))).toBeGreaterThan(300_000)
  },
)
