// Prints {name: hex} of batches made by the library, for the Java client to read: see java/README.md.
// Usage, after `npm run build`: node test/vectors/write-ours.mjs
import { batchBuilder } from '../../dist/esm/log/batch-builder.js'
import { loadCompression } from '../../dist/esm/log/compression/compression.js'
import { keepRecords } from '../../dist/esm/log/rewrite.js'
import { controlBatch, stampBaseOffset, stampBatch } from '../../dist/esm/log/format/stamp.js'

const time = 1_700_000_000_000
const mixed = [
  ['key', 'value', time],
  [null, 'no key', time + 1],
  ['tombstone', null, time - 1],
  [null, null, time + 5_000_000_000],
  ['', '', time - 5_000_000_000],
  ['ключ 鍵 🔑', 'wert é '.repeat(40), time],
  ['lone surrogate', '\ud800x', time],
  [Buffer.from([0, 255, 128]), Buffer.alloc(100, 0xfe), time],
  [
    'k',
    'with headers',
    time,
    new Map([
      ['v', Buffer.from('2')],
      ['nothing', null],
      ['empty', Buffer.alloc(0)],
      ['имя', Buffer.from('значение')],
    ]),
  ],
]
const large = Array.from({ length: 12 }, (_, index) => [`k${index}`, `row ${index} `.repeat(16_000), time + index])
const idempotent = { producerId: 4_000_000_000n, producerEpoch: 7, baseSequence: 2_000_000_000, transactional: false }
const nobody = { producerId: -1n, producerEpoch: -1, baseSequence: -1, transactional: false }

function batch(compression, records, producer) {
  const builder = batchBuilder({ compression, initialBytes: 64 })
  for (const record of records) builder.add(...record)
  const { bytes } = builder.finish()
  stampBatch(bytes, producer)
  stampBaseOffset(bytes, 0, 123_456_789_012_345)
  return bytes
}

const ours = {}
for (const compression of ['none', 'gzip', 'snappy', 'lz4', 'zstd']) {
  await loadCompression(compression)
  ours[`${compression}, mixed records`] = batch(compression, mixed, nobody)
  ours[`${compression}, idempotent`] = batch(compression, mixed, idempotent)
  ours[`${compression}, transactional`] = batch(compression, mixed, { ...idempotent, transactional: true })
  if (compression !== 'none') ours[`${compression}, 1.2 MB unpacked`] = batch(compression, large, nobody)
  ours[`${compression}, rewritten with every third record`] = keepRecords(
    batch(compression, mixed, idempotent),
    0,
    (_, index) => index % 3 === 1,
  )
}
ours['rewritten with no record'] = keepRecords(batch('gzip', mixed, idempotent), 0, () => false)
ours['commit marker'] = controlBatch('commit', 4_000_000_000n, 7, time)
ours['abort marker'] = controlBatch('abort', 4_000_000_000n, 7, time)

const hex = Object.entries(ours).map(([name, bytes]) => [name, bytes.toString('hex')])
process.stdout.write(`${JSON.stringify(Object.fromEntries(hex), undefined, 1)}\n`)
