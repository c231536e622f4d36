import { gzipSync } from 'node:zlib'
import { createApp } from '../../app/create-app.js'
import { text } from '../../codec/codec.js'
import { silentLogger } from '../../core/logger.js'
import { batchBuilder } from '../../log/batch-builder.js'
import { fieldAt, headerBytes } from '../../log/format/batch-header.js'
import type { FinishedBatch, LogPort } from '../../log/port.js'
import { memoryLog } from '../../memory/memory-log.js'
import { topic, type InvalidPolicy } from '../../model/stream.js'
import { readAll } from '../../../test/reading.js'

const lines = (onInvalid: InvalidPolicy) => topic('lines', text(), { onInvalid })
const copies = topic('copies', text())
const letters = topic('app-dlq', text())

/** Three records that say they are packed with gzip, and are these bytes. */
function packed(bytes: Buffer): FinishedBatch {
  const builder = batchBuilder()
  for (const value of ['b', 'c', 'd']) builder.add(null, value, Date.now())
  const head = Buffer.from(builder.finish().bytes.subarray(0, headerBytes))
  head.writeInt16BE(1, fieldAt.attributes)
  head.writeInt32BE(headerBytes + bytes.length - fieldAt.leaderEpoch, fieldAt.length)
  return { bytes: Buffer.concat([head, bytes]), records: 3 }
}

async function append(log: LogPort, batch: FinishedBatch): Promise<void> {
  await using channel = await log.idempotent()
  await channel.begin([{ topic: 'lines', partition: 0 }], undefined)
  await channel.append({ topic: 'lines', partition: 0 }, batch)
  await channel.commit()
}

describe.each([
  ['that is not what it says', Buffer.from('certainly not gzip')],
  ['that would become gigabytes', gzipSync(Buffer.alloc(160 << 20))],
])('a batch %s', (_, bytes) => {
  async function running(onInvalid: InvalidPolicy) {
    const log = memoryLog({ partitions: 1 })
    const source = lines(onInvalid)
    await log.send(source, ['a'])
    await append(log, packed(bytes))
    await log.send(source, ['e'])
    const app = createApp({ id: 'app', log, flows: [source.to(copies)], createTopics: true, logger: silentLogger })
    return { log, app }
  }

  it('is passed over, and a dead letter says where it is', async () => {
    const { log, app } = await running('dead-letter')
    await using _app = app
    await app.start()
    await app.drained()
    expect((await readAll(log, copies)).map(({ value }) => value)).toEqual(['a', 'e'])
    const found = await readAll(log, letters)
    expect(found).toHaveLength(1)
    expect(found[0]).toMatchObject({ value: null, headers: { 'millrace.error.code': 'BATCH_CORRUPT' } })
    expect(found[0]?.headers).toMatchObject({ 'millrace.source.topic': 'lines', 'millrace.source.offset': '1' })
    expect(found[0]?.headers['millrace.error.message']).toContain('from 1 to 3 was passed over')
    expect(app.stats()).toMatchObject({ records: 2, refused: 1 })
  })

  it("stops the app where that is the topic's policy", async () => {
    const { app } = await running('stop')
    await using _app = app
    const closed = app.closed()
    await app.start().catch(() => undefined)
    await expect(closed).rejects.toMatchObject({ code: 'BATCH_CORRUPT', topic: 'lines', partition: 0 })
  })
})
