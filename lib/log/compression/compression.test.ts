import { gzipSync } from 'node:zlib'
import { compressFrameSync } from 'lz4-napi'
import { compressSync } from 'snappy'
import { batchBuilder } from '../batch-builder.js'
import { codecNumber, deflate, inflate, loadCompression, loadCompressions, type Compression } from './compression.js'
import { stampBatch } from '../format/stamp.js'
import { zstdContentSize } from './zstd-frame.js'

const packed = ['gzip', 'snappy', 'lz4', 'zstd'] as const

/** 512 MiB of zeros, packed; those of lz4 and zstd from blocks that repeat, since their packages pack in memory. */
const bombs: Record<Exclude<Compression, 'none'>, () => Buffer> = {
  gzip: () => gzipSync(Buffer.alloc(1 << 29)),
  snappy: () => Buffer.concat([Buffer.from([0x80, 0x80, 0x80, 0x80, 0x02]), compressSync(Buffer.alloc(1 << 20))]),
  // Blocks of 4 MiB: a literal zero, then one match as long as the block.
  lz4: () => lz4Bomb(),
  // A frame that tells 512 MiB.
  zstd: () => Buffer.from('28b52ffda00000002000', 'hex'),
}

function lz4Bomb(): Buffer {
  const head = Buffer.from([0x04, 0x22, 0x4d, 0x18, 0x60, 0x70, 0x73])
  const block = compressFrameSync(Buffer.alloc(4 << 20)).subarray(7, -4)
  return Buffer.concat([head, ...Array.from({ length: 128 }, () => block), Buffer.alloc(4)])
}

function batch(compression: Compression): Buffer {
  const builder = batchBuilder({ compression })
  builder.add('k', 'v', 1)
  const { bytes } = builder.finish()
  stampBatch(bytes, { producerId: -1n, producerEpoch: -1, baseSequence: -1, transactional: false })
  return bytes
}

// First, while nothing is loaded yet.
it('loads what a fetch answer needs, and asks for nothing once it is there', async () => {
  const zstd = batch('none')
  zstd.writeInt16BE(codecNumber('zstd'), 21)
  const bytes = Buffer.concat([batch('none'), batch('gzip'), zstd])
  expect(() => inflate(codecNumber('zstd'), bytes)).toThrow(/loadCompression\('zstd'\)/)
  const loading = loadCompressions(bytes)
  expect(loading).toBeInstanceOf(Promise)
  await loading
  expect(loadCompressions(bytes)).toBeUndefined()
})

it('needs no promise for batches that are not compressed', () => {
  expect(loadCompressions(Buffer.concat([batch('none'), batch('none')]))).toBeUndefined()
})

describe.each(packed)('%s', (name) => {
  beforeAll(() => loadCompression(name))

  it.each([0, 1, 100, 32_768, 32_769, 3_000_000])('gives back %d bytes', (size) => {
    const bytes = Buffer.alloc(size, 'some row of a table;')
    const small = deflate(name, bytes)
    expect(inflate(codecNumber(name), small).equals(bytes)).toBe(true)
    expect(small.length).toBeLessThan(Math.max(size / 4, 150))
  })

  it('refuses bytes it has not made', () => {
    expect(() => inflate(codecNumber(name), Buffer.from('certainly not compressed at all'))).toThrow(/\w/)
  })
})

it('reads snappy without the framing of Java', async () => {
  await loadCompression('snappy')
  expect(inflate(codecNumber('snappy'), compressSync('plain snappy')).toString()).toBe('plain snappy')
})

it('does not believe a snappy block that would grow a thousandfold', async () => {
  await loadCompression('snappy')
  expect(() => inflate(codecNumber('snappy'), Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f, 0]))).toThrow(
    /not to be believed/,
  )
})

it.each([
  ['nothing', '28b52ffd0058', undefined],
  ['one byte', '28b52ffd2007', 7],
  ['two bytes', '28b52ffd60f400', 500],
  ['four bytes', '28b52ffda000000100', 65_536],
  ['eight bytes behind a dictionary id', '28b52ffde1aa0000010000000000', 65_536],
  ['four bytes behind a window', '28b52ffd805800000100', 65_536],
])('knows how large a zstd frame says it is, told in %s', (_, hex, size) => {
  expect(zstdContentSize(Buffer.from(hex, 'hex'))).toBe(size)
})

it('does not believe a zstd frame of gigabytes', () => {
  expect(() => zstdContentSize(Buffer.from('28b52ffda0ffffff7f', 'hex'))).toThrow(/not to be believed/)
})

/** As the codecs say it; the last is the zstd of Node, of a window that is larger than it allows. */
const tooLarge = /not to be believed|larger than|ERR_BUFFER_TOO_LARGE|too much memory/

describe('a small batch that would become gigabytes', () => {
  beforeAll(() => Promise.all(packed.map(loadCompression)))

  // 512 MiB of zeros: packed once by each codec's own library, which have no limit when they pack.
  it.each(packed)('is refused before it does, %s', (name) => {
    const small = bombs[name]()
    expect(small.length).toBeLessThan(3 << 20)
    const before = process.memoryUsage().rss
    expect(() => inflate(codecNumber(name), small)).toThrow(tooLarge)
    expect(process.memoryUsage().rss - before).toBeLessThan(400 << 20)
  })

  it('is not confused with one that is large and meant', () => {
    for (const name of packed) {
      const bytes = Buffer.alloc(40 << 20, 'a row;')
      expect(inflate(codecNumber(name), deflate(name, bytes)).length).toBe(bytes.length)
    }
  })
})

it('names the codecs it knows when a batch has another', () => {
  expect(() => inflate(6, Buffer.alloc(0))).toThrow(/codec 6 is not one of none, gzip, snappy, lz4, zstd/)
})
