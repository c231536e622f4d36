import * as fc from 'fast-check'
import type { MillraceError } from '../core/errors.js'
import { batchBuilder } from './batch-builder.js'
import { attribute, fieldAt, verifyBatch, writeInt64 } from './format/batch-header.js'
import { loadCompression, loadCompressions, type Compression } from './compression/compression.js'
import { recordCursor } from './cursor.js'
import { stampBaseOffset, stampBatch } from './format/stamp.js'
import type { RecordCursor } from './port.js'

const compressions: Compression[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd']
beforeAll(async () => {
  for (const name of compressions) await loadCompression(name)
})

function batchAt(baseOffset: number, count = 3, compression: Compression = 'none'): Buffer {
  const builder = batchBuilder({ compression })
  const headers = new Map([['trace', Buffer.from('0123456789')]])
  for (let index = 0; index < count; index++)
    builder.add(`key${index}`, `value ${index}`, 1_700_000_000_000 + index, headers)
  const { bytes } = builder.finish()
  stampBatch(bytes, { producerId: -1n, producerEpoch: -1, baseSequence: -1, transactional: false })
  stampBaseOffset(bytes, 0, baseOffset)
  return bytes
}

function cursorOver(bytes: Uint8Array, from = 0): RecordCursor {
  const facts = { topic: 'orders', partition: 3, to: 0, highWatermark: 0, lastStableOffset: 0 }
  return recordCursor({ ...facts, bytes, from, isolation: 'committed', aborted: [] })
}

function offsetsOf(cursor: RecordCursor): number[] {
  const offsets: number[] = []
  while (cursor.next()) offsets.push(cursor.offset)
  return offsets
}

it('skips records below where the fetch began', () => {
  const cursor = cursorOver(Buffer.concat([batchAt(10), batchAt(13)]), 14)
  expect(offsetsOf(cursor)).toEqual([14, 15])
})

it('ends silently at a batch that was cut off, wherever it was cut', () => {
  const first = batchAt(0)
  const both = Buffer.concat([first, batchAt(3)])
  for (let size = first.length; size < both.length; size++) {
    const cursor = cursorOver(both.subarray(0, size))
    expect(offsetsOf(cursor)).toEqual([0, 1, 2])
    expect(cursor.nextOffset).toBe(3)
  }
})

it('stays where the fetch began when there is nothing', () => {
  const cursor = cursorOver(new Uint8Array(0), 42)
  expect([cursor.next(), cursor.nextOffset]).toEqual([false, 42])
})

it('steps over a batch that compaction left without records', () => {
  const empty = batchAt(3).subarray(0, 61)
  empty.writeInt32BE(0, fieldAt.recordCount)
  empty.writeInt32BE(empty.length - 12, fieldAt.length)
  const cursor = cursorOver(Buffer.concat([batchAt(0), empty]))
  expect(offsetsOf(cursor)).toEqual([0, 1, 2])
  expect(cursor.nextOffset).toBe(6)
})

it('gives all records of a batch its append time when the topic has log append time', () => {
  const bytes = batchAt(0)
  bytes.writeInt16BE(attribute.logAppendTime, fieldAt.attributes)
  writeInt64(bytes, fieldAt.maxTimestamp, 1_800_000_000_000)
  const cursor = cursorOver(bytes)
  while (cursor.next()) expect(cursor.timestamp).toBe(1_800_000_000_000)
  expect(cursor.offset).toBe(2)
})

it('reads bytes that are a plain Uint8Array in the middle of a larger memory', () => {
  const bytes = batchAt(7)
  const memory = new Uint8Array(bytes.length + 20)
  memory.set(bytes, 10)
  expect(offsetsOf(cursorOver(memory.subarray(10, 10 + bytes.length)))).toEqual([7, 8, 9])
})

it('says topic, partition and offset of what it cannot read', () => {
  const bytes = Buffer.concat([batchAt(20), batchAt(23)])
  bytes[bytes.length / 2 + fieldAt.magic] = 1
  const cursor = cursorOver(bytes, 20)
  const error = thrownBy(() => offsetsOf(cursor))
  expect(error).toMatchObject({ code: 'BATCH_CORRUPT', topic: 'orders', partition: 3, offset: 23 })
})

describe('a length that cannot be true', () => {
  // Another batch behind, so that nothing runs out of bytes: only the check can tell.
  const twoBatches = (): Buffer => Buffer.concat([batchAt(20, 2), batchAt(22, 40)])

  it.each([-12, -13, -(2 ** 31), 0, 1, 48])('is refused when a batch says it has %d bytes', (length) => {
    const bytes = twoBatches()
    bytes.writeInt32BE(length, fieldAt.length)
    expect(thrownBy(() => offsetsOf(cursorOver(bytes)))).toMatchObject({ code: 'BATCH_CORRUPT', offset: 0 })
    expect(thrownBy(() => verifyBatch(bytes, 0))).toMatchObject({ code: 'BATCH_CORRUPT' })
    expect(loadCompressions(bytes)).toBeUndefined()
  })

  // The second record of two: a length of one byte, attributes, two deltas, the key and the value, each with their length.
  const second = 61 + 1 + batchAt(20, 2)[61]! / 2
  it.each([
    ['record', second, /reaches beyond its batch/],
    ['key', second + 4, /a key of/],
    ['value', second + 4 + 1 + 'key1'.length, /a value of/],
  ])('is refused when a %s is longer than what it is in', (_, at, message) => {
    const bytes = twoBatches()
    // 63 bytes where a record has 40; the next batch has the rest.
    bytes[at] = 63 << 1
    const cursor = cursorOver(bytes)
    expect([cursor.next(), cursor.offset]).toEqual([true, 20])
    expect(() => cursor.next()).toThrow(message)
    expect(thrownBy(() => cursor.next())).toMatchObject({ code: 'BATCH_CORRUPT', offset: 21 })
  })

  it.each(['key', 'value'])('is refused when a %s has less than no bytes', (what) => {
    const bytes = twoBatches()
    bytes[second + 4 + (what === 'key' ? 0 : 1 + 'key1'.length)] = 3
    const cursor = cursorOver(bytes)
    cursor.next()
    expect(() => cursor.next()).toThrow(`a ${what} of -2 bytes`)
  })
})

describe.each(compressions)('damaged bytes, %s', (compression) => {
  it('are read or refused with BATCH_CORRUPT, and always come to an end', () => {
    const clean = Buffer.concat([batchAt(0, 20, compression), batchAt(20, 20, compression)])
    const damage = fc.array(fc.tuple(fc.nat(clean.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 })
    fc.assert(
      fc.property(damage, (changes) => {
        const bytes = Buffer.from(clean)
        for (const [at, byte] of changes) bytes[at] = byte
        const error = thrownBy(() => {
          const cursor = cursorOver(bytes)
          let inside = true
          let records = 0
          for (; cursor.next() && records <= bytes.length * 100; records++) {
            cursor.headers()
            inside &&= cursor.keyEnd <= cursor.bytes.length && cursor.valueEnd <= cursor.bytes.length
          }
          expect([inside, records <= bytes.length * 100]).toEqual([true, true])
        })
        if (error === undefined) return
        // A changed codec number can name one that does not exist.
        expect(['BATCH_CORRUPT', 'COMPRESSION_UNAVAILABLE']).toContain((error as MillraceError).code)
      }),
      { numRuns: compression === 'none' ? 2000 : 300 },
    )
  })

  it('are found by the check of the CRC, whichever byte it covers was changed', () => {
    const clean = batchAt(0, 3, compression)
    const change = fc.tuple(fc.integer({ min: fieldAt.magic, max: clean.length - 1 }), fc.integer({ min: 1, max: 255 }))
    fc.assert(
      fc.property(change, ([at, mask]) => {
        const bytes = Buffer.from(clean)
        bytes[at] = bytes[at]! ^ mask
        expect(thrownBy(() => verifyBatch(bytes, 0))).toMatchObject({ code: 'BATCH_CORRUPT' })
      }),
    )
  })
})

describe('a batch that cannot be read', () => {
  it.each<[string, (bytes: Buffer, at: number) => void]>([
    ['in the middle', (bytes, at) => bytes.writeInt8(-1, at + 61)],
    ['at its beginning', (bytes, at) => bytes.writeInt32BE(-1, at + fieldAt.recordCount)],
    ['as it is packed', (bytes, at) => bytes.writeInt16BE(1, at + fieldAt.attributes)],
  ])('is passed over as a whole when it is damaged %s', (_, damage) => {
    const bytes = Buffer.concat([batchAt(0), batchAt(3), batchAt(6)])
    damage(bytes, bytes.length / 3)
    const cursor = cursorOver(bytes)
    for (let offset = 0; offset < 3; offset++) expect([cursor.next(), cursor.offset]).toEqual([true, offset])
    expect(() => cursor.next()).toThrow(/orders\[3\]@3/)
    expect([cursor.skipBatch(), cursor.nextOffset]).toEqual([true, 6])
    expect(offsetsOf(cursor)).toEqual([6, 7, 8])
    expect(cursor.skipBatch()).toBe(false)
  })

  it('is not passed over when nobody knows where it ends', () => {
    const bytes = Buffer.concat([batchAt(0), batchAt(3)])
    bytes[bytes.length / 2 + fieldAt.magic] = 1
    const cursor = cursorOver(bytes)
    expect(() => offsetsOf(cursor)).toThrow(/orders\[3\]@3/)
    expect(cursor.skipBatch()).toBe(false)
  })
})

it('throws the same again when asked to go on after damage', () => {
  const bytes = batchAt(0)
  bytes[61] = 0xff
  const cursor = cursorOver(bytes)
  expect(() => cursor.next()).toThrow(/orders\[3\]@0/)
  expect(() => cursor.next()).toThrow(/orders\[3\]@0/)
})

function thrownBy(act: () => unknown): unknown {
  try {
    act()
    return undefined
  } catch (error) {
    return error
  }
}
