import { createHash } from 'node:crypto'
import { silentLogger } from '../lib/core/logger.js'
import type { TopicPartition } from '../lib/core/record.js'
import { type KafkaLog, kafkaLog } from '../lib/kafka/kafka-log.js'
import { batchBuilder } from '../lib/log/batch-builder.js'
import { batchEnd, codecAt } from '../lib/log/format/batch-header.js'
import { type Compression, compressionOf, loadCompression } from '../lib/log/compression/compression.js'
import { endOf, allPartitions, positionOf, put, readAll, someTime, soon } from '../lib/testing/log-contract/rows.js'
import { type ConsoleRecord, consoleRecords } from './kafka/console-consumer.js'
import { produceByConsole } from './kafka/console-producer.js'
import { nextName } from './names.js'
import { describeWithKafka } from './setup/with-kafka.js'

const codecs = ['gzip', 'snappy', 'lz4', 'zstd'] as const satisfies readonly Compression[]

/** Of lengths at which codecs change their ways (snappy's frames hold 32 KiB, lz4's blocks 64), alike and not alike. */
const records: readonly (readonly [key: string, value: string])[] = [
  ...Array.from({ length: 400 }, (_, i) => [`key ${i % 50}`, `value ${i}`] as const),
  ['empty', ''],
  ['schlüssel 🔑', 'wert 🎁'],
  ['alike', 'x'.repeat(300_000)],
  ...[1, 32_767, 32_768, 65_536, 200_000].map((length) => [`noise ${length}`, noise(length)] as const),
  ['last', 'end'],
]

interface Pair {
  readonly key: string | null
  readonly value: string | null
}

/** Long values by their digests: a difference is to be read by people. */
function shown({ key, value }: Pair): string {
  const text = String(value)
  return `${key}: ${text.length < 40 ? text : `${text.length} of ${createHash('sha256').update(text).digest('hex')}`}`
}

/** Text that hardly compresses, the same in every run. */
function noise(length: number): string {
  let state = length
  const letters = Array.from({ length }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return String.fromCharCode(33 + ((state >>> 16) % 90))
  })
  return letters.join('')
}

const expected = records.map(([key, value]) => shown({ key, value }))

describeWithKafka('compressed batches', (brokers) => {
  jest.setTimeout(90_000)
  let log: KafkaLog

  beforeAll(() => {
    log = kafkaLog({ brokers }, { logger: silentLogger })
  })
  afterAll(() => log[Symbol.asyncDispose]())

  const newPartitions = async (count: number): Promise<readonly TopicPartition[]> => {
    const name = nextName('compressed')
    await log.admin.create([{ name, partitions: count, replicationFactor: -1, configs: {} }])
    return allPartitions(name, count)
  }
  /** With which codec each batch of a partition is stored. */
  const codecsOf = async (partition: TopicPartition): Promise<Set<Compression>> => {
    const end = await endOf(log, partition, 'all')
    await using fetcher = log.fetcher({ isolation: 'all', purpose: 'restore', maxBytes: 1_000_000 })
    fetcher.assign(positionOf(partition, 0))
    const found = new Set<Compression>()
    for (let position = 0; position < end;) {
      for (const { bytes, to } of await fetcher.next(soon())) {
        const batches = Buffer.from(bytes)
        for (let at = 0; at < batches.length; at = batchEnd(batches, at)) found.add(compressionOf(codecAt(batches, at)))
        position = to
      }
    }
    return found
  }

  it.each(codecs)('of the Java producer are read record by record: %s', async (codec) => {
    const [partition] = await newPartitions(1)
    await produceByConsole(brokers, partition!.topic, codec, records)
    expect(await codecsOf(partition!)).toEqual(new Set([codec]))
    const rows = await readAll(log, partition!)
    expect(rows.map(shown)).toEqual(expected)
    expect(rows.map(({ offset }) => offset)).toEqual(records.map((_, i) => i))
  })

  it('of ours are read record by record by the Java consumer, whatever the codec', async () => {
    const partitions = await newPartitions(codecs.length)
    for (const [i, codec] of codecs.entries()) {
      await loadCompression(codec)
      const builder = batchBuilder({ compression: codec })
      const batches = [records.slice(0, 200), records.slice(200)].map((some) => {
        for (const [key, value] of some) builder.add(key, value, someTime)
        return builder.finish()
      })
      await put(log, partitions[i]!, ...batches)
      expect(await codecsOf(partitions[i]!)).toEqual(new Set([codec]))
    }

    const seen: ConsoleRecord[][] = partitions.map(() => [])
    const all = consoleRecords(brokers, partitions[0]!.topic, codecs.length * records.length)
    for await (const record of all) seen[record.partition]!.push(record)
    for (const rows of seen) {
      expect(rows.map(shown)).toEqual(expected)
      expect(rows.map(({ offset }) => offset)).toEqual(records.map((_, i) => i))
    }
  })
})
