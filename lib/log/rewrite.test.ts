import * as fc from 'fast-check'
import { batchBuilder } from './batch-builder.js'
import {
  baseOffsetAt,
  lastOffsetDeltaAt,
  maxTimestampAt,
  producerIdAt,
  recordCountAt,
  verifyBatch,
} from './format/batch-header.js'
import { loadCompression, type Compression } from './compression/compression.js'
import { recordCursor } from './cursor.js'
import { keepRecords } from './rewrite.js'
import { stampBaseOffset, stampBatch } from './format/stamp.js'

const compressions: Compression[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd']

function batchOf(count: number, compression: Compression): Buffer {
  const builder = batchBuilder({ compression })
  for (let index = 0; index < count; index++)
    builder.add(`key${index}`, `value ${index}`, 1_700_000_000_000 - index * 1000)
  const { bytes } = builder.finish()
  stampBatch(bytes, { producerId: 5n, producerEpoch: 1, baseSequence: 9, transactional: true })
  stampBaseOffset(bytes, 0, 500)
  return bytes
}

function rowsOf(bytes: Buffer): { rows: unknown[][]; nextOffset: number } {
  const facts = { topic: 't', partition: 0, from: 0, to: 0, highWatermark: 0, lastStableOffset: 0 }
  const cursor = recordCursor({ ...facts, bytes, isolation: 'all', aborted: [] })
  const rows: unknown[][] = []
  while (cursor.next())
    rows.push([cursor.offset, cursor.timestamp, cursor.bytes.toString('utf8', cursor.keyStart, cursor.keyEnd)])
  return { rows, nextOffset: cursor.nextOffset }
}

it.each(compressions)('keeps the chosen records and everything about the batch, %s', async (compression) => {
  await loadCompression(compression)
  fc.assert(
    fc.property(fc.array(fc.boolean(), { minLength: 1, maxLength: 20 }), (chosen) => {
      const before = batchOf(chosen.length, compression)
      const padded = Buffer.concat([Buffer.alloc(9), before, Buffer.alloc(5)])
      const after = keepRecords(padded, 9, (offset, index) => offset === 500 + index && chosen[index]!)
      verifyBatch(after, 0)

      expect(rowsOf(after).rows).toEqual(rowsOf(before).rows.filter((_, index) => chosen[index]))
      expect(rowsOf(after).nextOffset).toBe(500 + chosen.length)
      expect(recordCountAt(after, 0)).toBe(chosen.filter(Boolean).length)
      for (const field of [baseOffsetAt, lastOffsetDeltaAt, maxTimestampAt, producerIdAt]) {
        expect(field(after, 0)).toEqual(field(before, 0))
      }
    }),
    { numRuns: 30 },
  )
})

it('refuses a batch whose records do not fit it', () => {
  const bytes = batchOf(3, 'none')
  bytes[61] = 0x7e
  expect(() => keepRecords(bytes, 0, () => true)).toThrow(/base offset 500: record 0 /)
})
