import { batchBuilder } from '../../log/batch-builder.js'
import { fieldAt } from '../../log/format/batch-header.js'
import { controlBatch } from '../../log/format/stamp.js'
import { batchOf, positionOf, put, soon, transactionsOf } from '../../testing/log-contract/rows.js'
import { memoryLog, type MemoryLog } from '../memory-log.js'

const at = { topic: 'topic', partition: 0 }

async function logWith(configs: Readonly<Record<string, string>>): Promise<MemoryLog> {
  const log = memoryLog({ partitions: 3 })
  await log.admin.create([{ name: 'topic', partitions: -1, replicationFactor: -1, configs }])
  return log
}

describe('the embedded log', () => {
  it('makes a topic with the partitions it was given when none are asked for', async () => {
    await using log = await logWith({})
    expect((await log.admin.describe(['topic'])).get('topic')?.partitions).toBe(3)
  })

  it('makes the topic that a client sends to, and hands back what was sent', async () => {
    await using log = memoryLog()
    const words = {
      name: 'words',
      codec: { encode: (value: string) => value, decode: (bytes: Uint8Array) => Buffer.from(bytes).toString() },
    }
    await log.send(words, ['to', 'be', 'or', 'not', 'to', 'be'], { key: (word) => word })
    expect((await log.admin.describe(['words'])).get('words')?.partitions).toBe(4)
    const read: string[] = []
    for await (const { key, value } of log.read(words)) read.push(`${key}=${value}`)
    expect(read.sort()).toEqual(['be=be', 'be=be', 'not=not', 'or=or', 'to=to', 'to=to'])
  })

  it('refuses a topic without partitions', async () => {
    await using log = memoryLog()
    const creating = log.admin.create([{ name: 'none', partitions: 0, replicationFactor: 1, configs: {} }])
    await expect(creating).rejects.toMatchObject({ code: 'BROKER_REFUSED' })
  })

  it('refuses a batch above max.message.bytes, and a batch that is none', async () => {
    await using log = await logWith({ 'max.message.bytes': '1000' })
    await expect(put(log, at, batchOf(['x'.repeat(1_000)]))).rejects.toMatchObject({ code: 'RECORDS_REFUSED', ...at })
    const { bytes } = batchOf(['a', 'b'])
    await expect(put(log, at, { bytes, records: 1 })).rejects.toMatchObject({ code: 'BATCH_CORRUPT', ...at })
    const cut = { bytes: bytes.subarray(0, bytes.length - 1), records: 2 }
    await expect(put(log, at, cut)).rejects.toMatchObject({ code: 'BATCH_CORRUPT' })
    const marker = { bytes: controlBatch('commit', 1n, 0, 1), records: 1 }
    await expect(put(log, at, marker)).rejects.toMatchObject({ code: 'BATCH_CORRUPT' })
    bytes.writeInt32BE(5, fieldAt.lastOffsetDelta)
    await expect(put(log, at, { bytes, records: 2 })).rejects.toMatchObject({ code: 'BATCH_CORRUPT' })
    expect(await log.admin.endOffsets([at], 'all')).toEqual(positionOf(at, 0))
  })

  it('says which topic is missing', async () => {
    await using log = memoryLog()
    const missing = { code: 'TOPIC_MISSING', topic: 'topic', partition: 0 }
    await expect(put(log, at, batchOf(['x']))).rejects.toMatchObject(missing)
    await expect(log.admin.endOffsets([at], 'all')).rejects.toMatchObject(missing)
    await using fetcher = log.fetcher({ isolation: 'all', purpose: 'live', maxBytes: 1 })
    fetcher.assign(positionOf(at, 0))
    await expect(fetcher.next(soon())).rejects.toMatchObject(missing)
  })

  it('trims neither beyond the end nor a topic that is only compacted', async () => {
    await using log = await logWith({})
    await expect(log.admin.trim(positionOf(at, 1))).rejects.toMatchObject({ code: 'OFFSET_OUT_OF_RANGE', ...at })
    await using table = await logWith({ 'cleanup.policy': 'compact' })
    await expect(table.admin.trim(positionOf(at, 0))).rejects.toMatchObject({ code: 'BROKER_REFUSED' })
  })

  it('opens one transaction at a time under an id', async () => {
    await using log = await logWith({})
    await using channel = await transactionsOf(log, 'id')
    await channel.begin([at], undefined)
    await expect(channel.begin([at], undefined)).rejects.toMatchObject({ code: 'BROKER_REFUSED' })
    await channel.commit()
  })

  it('keeps none of the bytes it was given: a builder may write over them', async () => {
    await using log = await logWith({})
    const builder = batchBuilder()
    builder.add('key', 'value', 1)
    const batch = builder.finish()
    await put(log, at, batch)
    batch.bytes.fill(0)
    await using fetcher = log.fetcher({ isolation: 'all', purpose: 'live', maxBytes: 1_000 })
    fetcher.assign(positionOf(at, 0))
    const [fetched] = await fetcher.next(soon())
    expect(Buffer.from(fetched!.bytes).includes('value')).toBe(true)
  })

  it('wakes a reader that waits at the end of what is then trimmed under it', async () => {
    await using log = await logWith({})
    await put(log, at, batchOf(['a']))
    await using fetcher = log.fetcher({ isolation: 'committed', purpose: 'live', maxBytes: 1_000 })
    await using channel = await transactionsOf(log, 'id')
    await channel.begin([at], undefined)
    await channel.append(at, batchOf(['open']))
    fetcher.assign(positionOf(at, 1))
    const waiting = fetcher.next(soon())
    await log.admin.trim(positionOf(at, 2))
    await expect(waiting).rejects.toMatchObject({ code: 'OFFSET_OUT_OF_RANGE', ...at, offset: 1 })
  })
})
