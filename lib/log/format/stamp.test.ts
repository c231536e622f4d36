import { batchBuilder } from '../batch-builder.js'
import {
  baseSequenceAt,
  isControl,
  isTransactional,
  producerEpochAt,
  producerIdAt,
  verifyBatch,
} from './batch-header.js'
import { controlBatch, stampBaseOffset, stampBatch } from './stamp.js'

function batch(): Buffer {
  const builder = batchBuilder()
  builder.add('k', 'v', 1)
  return builder.finish().bytes
}

it('replaces an earlier stamp, the transactional bit included', () => {
  const bytes = batch()
  stampBatch(bytes, { producerId: 4_000_000_000n, producerEpoch: 3, baseSequence: 7, transactional: true })
  expect(isTransactional(bytes, 0)).toBe(true)

  stampBatch(bytes, { producerId: 8n, producerEpoch: 4, baseSequence: 0, transactional: false })
  verifyBatch(bytes, 0)
  const fields = [
    producerIdAt(bytes, 0),
    producerEpochAt(bytes, 0),
    baseSequenceAt(bytes, 0),
    isTransactional(bytes, 0),
  ]
  expect(fields).toEqual([8n, 4, 0, false])
})

it('refuses a transactional batch without a producer id', () => {
  const producer = { producerId: -1n, producerEpoch: -1, baseSequence: -1, transactional: true }
  expect(() => stampBatch(batch(), producer)).toThrow(/needs a producer id/)
})

it('sets the base offset outside of what the CRC covers', () => {
  const bytes = controlBatch('abort', 1n, 0, 5)
  stampBaseOffset(bytes, 0, 2 ** 40 + 1)
  verifyBatch(bytes, 0)
  expect(bytes.readBigInt64BE(0)).toBe(2n ** 40n + 1n)
  expect(isControl(bytes, 0)).toBe(true)
})
