import { z } from 'zod'
import { Instance } from '../../../test/instances.js'
import { listeningLogger } from '../../../test/reading.js'
import { withAdmin } from '../../../test/with-admin.js'
import { text } from '../../codec/codec.js'
import { MillraceError } from '../../core/errors.js'
import { PositionMap } from '../../core/record.js'
import { compressionOf } from '../../log/compression/compression.js'
import { codecAt } from '../../log/format/batch-header.js'
import type { LogAdmin } from '../../log/port.js'
import { memoryLog, type MemoryLog } from '../../memory/memory-log.js'
import { stateObject } from '../../model/state-object.js'
import { topic } from '../../model/stream.js'
import { drained } from '../drain.js'

const words = topic('words', text())
const kind = stateObject('one', { state: z.object({}), init: () => ({}) }).on(
  words,
  (word) => word,
  () => undefined,
)
const names = ['app-one-changelog', 'app-one-inbox', 'app-timers', 'app-dlq']

async function limits(log: MemoryLog, configs: Record<string, string>, maxRecordBytes = 1_000_000): Promise<number[]> {
  await log.admin.create([{ name: 'words', partitions: 1, replicationFactor: -1, configs }])
  const instance = new Instance({ app: 'app', log, objects: [kind], engine: { maxRecordBytes } })
  await instance.engine.start()
  await instance.engine.stop(1_000)
  return limitsOf(log)
}

async function limitsOf(log: MemoryLog): Promise<number[]> {
  return [...(await log.admin.describe(names)).values()].map((info) => Number(info?.configs.get('max.message.bytes')))
}

describe('topics that an app makes for itself', () => {
  it.each([
    ['as brokers usually allow', {}, 1_000_000, 8 << 20],
    [
      'that the largest record of a source can be handed on',
      { 'max.message.bytes': '20000000' },
      1_000_000,
      20_000_000 + (1 << 20),
    ],
    ['that the largest state has a place', {}, 30_000_000, 30_000_000 + (1 << 20)],
    [
      'no more than Kafka has numbers for',
      { 'max.message.bytes': '2147483647', 'segment.bytes': '2147483647' },
      1_000_000,
      2 ** 31 - 1,
    ],
  ])('take as much %s', async (_what, configs, maxRecordBytes, expected) => {
    expect(await limits(memoryLog({ partitions: 1 }), configs, maxRecordBytes)).toEqual(names.map(() => expected))
  })

  it('take what the broker lets them, where it does not allow for more', async () => {
    const log = memoryLog({ partitions: 1 })
    const create: LogAdmin['create'] = async (topics) => {
      if (topics.some(({ configs }) => Number(configs['max.message.bytes'] ?? 0) > 2_000_000))
        throw new MillraceError('BROKER_REFUSED', 'CreateTopics: POLICY_VIOLATION (44)')
      await log.admin.create(topics)
    }
    await log.admin.create([{ name: 'words', partitions: 1, replicationFactor: -1, configs: {} }])
    const logger = listeningLogger()
    const instance = new Instance({
      app: 'app',
      log,
      objects: [kind],
      logger,
      wrap: (port) => withAdmin(port, { create }),
    })
    await instance.engine.start()
    await instance.engine.stop(1_000)
    expect(await limitsOf(log)).toEqual(names.map(() => 1_048_588))
    expect(logger.warnings).toEqual([expect.stringMatching(/without max\.message\.bytes=8388608.*POLICY_VIOLATION/)])
  })

  it.each([
    ['gzip', {}, 'gzip'],
    ['zstd', {}, 'zstd'],
    ['none', {}, 'none'],
    ['gzip', { 'compression.type': 'uncompressed' }, 'none'],
  ] as const)(
    'are packed by %s, where the broker keeps them as they are %j: %s',
    async (compression, configs, found) => {
      const log = memoryLog({ partitions: 1 })
      const own = { 'cleanup.policy': 'delete', 'retention.ms': '-1', 'retention.bytes': '-1', ...configs }
      await log.admin.create([{ name: 'app-one-inbox', partitions: 1, replicationFactor: -1, configs: own }])
      const hopping = stateObject('one', { state: z.object({}), init: () => ({}) }).on(
        words,
        { key: () => 'k', route: 'shuffle' },
        () => undefined,
      )
      await log.send(words, ['word '.repeat(1_000)])
      const instance = new Instance({ app: 'app', log, objects: [hopping], engine: { compression } })
      await instance.engine.start()
      await drained(instance.engine)
      expect(instance.engine.stats.turns).toBe(1)
      await using fetcher = log.fetcher({ isolation: 'committed', purpose: 'restore', maxBytes: 1 << 20 })
      fetcher.assign(PositionMap.of([['app-one-inbox', 0, 0]]).topics)
      const [fetched] = await fetcher.next(new AbortController().signal)
      expect(compressionOf(codecAt(Buffer.from(fetched!.bytes), 0))).toBe(found)
      await instance.engine.stop(1_000)
    },
  )
})
