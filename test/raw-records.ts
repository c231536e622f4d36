import { allPartitions, PositionMap } from '../lib/core/record.js'
import { batchBuilder } from '../lib/log/batch-builder.js'
import type { Compression } from '../lib/log/compression/compression.js'
import { recordCursor } from '../lib/log/cursor.js'
import { HeaderWalk } from '../lib/log/format/record-headers.js'
import { writeVarint } from '../lib/log/format/varint.js'
import type { LogPort } from '../lib/log/port.js'

/** A record as bytes: what no client of text keys and maps of headers could send. */
export interface RawRecord {
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly timestamp: number
  /** Names are bytes, and may come more than once. */
  readonly headers: readonly (readonly [name: Uint8Array, value: Uint8Array | null])[]
}

export interface FoundRecord extends RawRecord {
  readonly partition: number
  readonly offset: number
}

export async function appendRaw(
  log: LogPort,
  topic: string,
  partition: number,
  records: readonly RawRecord[],
  compression: Compression = 'none',
): Promise<void> {
  await using channel = await log.idempotent()
  await channel.begin([{ topic, partition }], undefined)
  for (const { key, value, timestamp, headers } of records) {
    const builder = batchBuilder({ compression })
    builder.add(key, value, timestamp, sectionOf(headers))
    await channel.append({ topic, partition }, builder.finish())
  }
  await channel.commit()
}

/** All committed records of a topic, by partition and offset; bytes are copies. */
export async function readRaw(log: LogPort, topic: string): Promise<FoundRecord[]> {
  const info = (await log.admin.describe([topic])).get(topic)
  const all = allPartitions(topic, info?.partitions ?? 0)
  const ends = (await log.admin.endOffsets(all, 'committed')).get(topic)
  const starts = (await log.admin.startOffsets(all)).get(topic)
  const found: FoundRecord[] = []
  for (const { partition } of all) {
    let from = starts?.get(partition) ?? 0
    const end = ends?.get(partition) ?? 0
    await using fetcher = log.fetcher({ isolation: 'committed', purpose: 'restore', maxBytes: 1 << 20 })
    fetcher.assign(PositionMap.of([[topic, partition, from]]).topics)
    while (from < end) {
      for (const fetched of await fetcher.next(new AbortController().signal)) {
        const cursor = recordCursor(fetched)
        while (cursor.next()) {
          const { bytes, keyStart, keyEnd, valueStart, valueEnd, timestamp, offset } = cursor
          const key = keyStart < 0 ? null : copyOf(bytes.subarray(keyStart, keyEnd))
          const value = valueStart < 0 ? null : copyOf(bytes.subarray(valueStart, valueEnd))
          found.push({ partition, offset, key, value, timestamp, headers: headersIn(cursor.headerSection()) })
        }
        from = fetched.to
      }
    }
  }
  return found
}

function sectionOf(headers: RawRecord['headers']): Uint8Array {
  const size = headers.reduce((sum, [name, value]) => sum + 10 + name.length + (value?.length ?? 0), 5)
  const section = Buffer.alloc(size)
  let at = writeVarint(section, 0, headers.length)
  for (const [name, value] of headers) {
    at = writeVarint(section, at, name.length)
    section.set(name, at)
    at = writeVarint(section, at + name.length, value === null ? -1 : value.length)
    if (value === null) continue
    section.set(value, at)
    at += value.length
  }
  return section.subarray(0, at)
}

function headersIn(section: Uint8Array): (readonly [Uint8Array, Uint8Array | null])[] {
  const found: (readonly [Uint8Array, Uint8Array | null])[] = []
  const walk = new HeaderWalk(Buffer.from(section), 0, section.length)
  while (walk.next()) found.push([copyOf(walk.nameBytes), walk.value && copyOf(walk.value)])
  return found
}

const copyOf = (bytes: Uint8Array): Uint8Array => Uint8Array.from(bytes)
