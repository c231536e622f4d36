/** The codecs that come from packages: optional peers, so that nobody installs what their topics do not need. */
import * as zlib from 'node:zlib'
import { asBuffer } from '../../core/bytes.js'
import { MillraceError, reasonOf } from '../../core/errors.js'
import { inflatedLimit, type BatchCodec } from './batch-codec.js'
import { checkLz4Frame } from './lz4-frame.js'
import { checkSnappyBlock, deflateXerial, inflateXerial, isXerial } from './xerial.js'
import { zstdContentSize } from './zstd-frame.js'

/** Rejects with `COMPRESSION_UNAVAILABLE` when the package `snappy` is not installed. */
export async function snappyCodec(): Promise<BatchCodec> {
  const snappy = await imported('snappy', () => import('snappy'))
  const inflateBlock = (block: Buffer): Buffer => {
    checkSnappyBlock(block)
    return snappy.uncompressSync(block, { asBuffer: true }) as Buffer
  }
  return {
    // Java frames its blocks; librdkafka and others write one plain block.
    inflate: (bytes) => (isXerial(bytes) ? inflateXerial(bytes, inflateBlock) : inflateBlock(bytes)),
    deflate: (bytes) => deflateXerial(bytes, (block) => snappy.compressSync(block)),
  }
}

/** Rejects with `COMPRESSION_UNAVAILABLE` when the package `lz4-napi` is not installed. */
export async function lz4Codec(): Promise<BatchCodec> {
  const lz4 = await imported('lz4-napi', () => import('lz4-napi'))
  return {
    inflate(bytes) {
      checkLz4Frame(bytes)
      return lz4.decompressFrameSync(bytes)
    },
    deflate: (bytes) => lz4.compressFrameSync(bytes),
  }
}

/** Node has zstd from 22.15 and 23.8 on; the types of Node 20 do not know it. */
interface ZlibWithZstd {
  readonly zstdCompressSync?: (bytes: Buffer) => Buffer
  readonly zstdDecompressSync?: (bytes: Buffer, options: { readonly maxOutputLength: number }) => Buffer
}

/** Rejects with `COMPRESSION_UNAVAILABLE` when neither Node nor the package `@bokuweb/zstd-wasm` has zstd. */
export async function zstdCodec(): Promise<BatchCodec> {
  const { zstdCompressSync, zstdDecompressSync } = zlib as ZlibWithZstd
  if (zstdCompressSync !== undefined && zstdDecompressSync !== undefined) {
    return {
      inflate: (bytes) => zstdDecompressSync(bytes, { maxOutputLength: inflatedLimit }),
      deflate: (bytes) => zstdCompressSync(bytes),
    }
  }
  const zstd = await imported('@bokuweb/zstd-wasm', async () => {
    const wasm = await import('@bokuweb/zstd-wasm')
    await wasm.init()
    return wasm
  })
  return {
    inflate: (bytes) =>
      asBuffer(inflateGrowing(bytes, (defaultHeapSize) => zstd.decompress(bytes, { defaultHeapSize }))),
    deflate: (bytes) => asBuffer(zstd.compress(bytes)),
  }
}

/** `ZSTD_error_dstSize_tooSmall`, as the wasm build words it. */
const tooSmall = /code -70\b/

/** The wasm build needs to be told how large the content is when the frame does not tell. */
function inflateGrowing(bytes: Buffer, inflate: (room: number) => Uint8Array): Uint8Array {
  const told = zstdContentSize(bytes)
  for (let room = Math.max(1 << 20, bytes.length * 8); ; room *= 4) {
    try {
      return inflate(room)
    } catch (error) {
      if (told !== undefined || room * 4 > inflatedLimit || !tooSmall.test(reasonOf(error))) throw error
    }
  }
}

async function imported<Module>(name: string, load: () => Promise<Module>): Promise<Module> {
  try {
    return await load()
  } catch (cause) {
    throw new MillraceError(
      'COMPRESSION_UNAVAILABLE',
      `A batch needs the package '${name}', which cannot be loaded (${reasonOf(cause)}). Run: npm install ${name}`,
      { cause },
    )
  }
}
