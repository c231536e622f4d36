import { appendRaw, readRaw, type RawRecord } from '../../../test/raw-records.js'
import { createApp } from '../../app/create-app.js'
import { bytes } from '../../codec/codec.js'
import { silentLogger } from '../../core/logger.js'
import { murmur2 } from '../../log/murmur2.js'
import { memoryLog } from '../../memory/memory-log.js'
import { topic } from '../../model/stream.js'

const source = topic('source', bytes())
const copy = topic('copy', bytes())

const utf8 = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text))
const long = (n: number): Uint8Array => Uint8Array.of(0, 0, 0, 0, 0, 0, 0, n)
const value = utf8('value')
const timestamp = 1_700_000_000_000

/** What text keys and maps of headers have no room for. */
const records: readonly (readonly [what: string, record: RawRecord])[] = [
  ['a long as key', { key: long(200), value, timestamp, headers: [] }],
  ['another long, of which text would make the same', { key: long(201), value, timestamp, headers: [] }],
  ['an empty key', { key: utf8(''), value, timestamp, headers: [] }],
  ['no key', { key: null, value, timestamp, headers: [] }],
  ['an empty value', { key: utf8('k'), value: utf8(''), timestamp, headers: [] }],
  [
    'headers of one name, out of order',
    {
      key: utf8('k'),
      value,
      timestamp,
      headers: [
        [utf8('b'), utf8('1')],
        [utf8('a'), null],
        [utf8('b'), utf8('2')],
        [utf8(''), utf8('')],
      ],
    },
  ],
  ['headers that are not UTF-8', { key: null, value, timestamp, headers: [[long(200), long(201)]] }],
]

describe('a flow without a key function', () => {
  it.each(records)('hands on %s as it is', async (_, record) => {
    const log = memoryLog({ partitions: 3 })
    await log.admin.create([{ name: source.name, partitions: 3, replicationFactor: -1, configs: {} }])
    await appendRaw(log, source.name, 1, [record])
    await using app = createApp({
      id: 'app',
      log,
      flows: [source.filter(() => true).to(copy)],
      createTopics: true,
      logger: silentLogger,
    })
    await app.start()
    await app.drained()
    const [found, ...others] = await readRaw(log, copy.name)
    expect(found).toMatchObject(record)
    expect(others).toEqual([])
    // As Java's default partitioner places these bytes; records without a key begin at 0.
    const { key } = record
    expect(found?.partition).toBe(key === null ? 0 : (murmur2(key, 0, key.length) & 0x7fffffff) % 3)
  })
})
