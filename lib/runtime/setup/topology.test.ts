import { z } from 'zod'
import { listeningLogger } from '../../../test/reading.js'
import { createApp } from '../../app/create-app.js'
import type { AppOptions } from '../../app/options.js'
import { text } from '../../codec/codec.js'
import { silentLogger } from '../../core/logger.js'
import { memoryLog, type MemoryLog } from '../../memory/memory-log.js'
import { stateObject, type AnyStateObject } from '../../model/state-object.js'
import { topic } from '../../model/stream.js'

const words = topic('words', text())
const kind = (name: string): AnyStateObject =>
  stateObject(name, { state: z.object({}), init: () => ({}) }).on(
    words,
    (word) => word,
    () => undefined,
  )

async function topicOf(
  log: MemoryLog,
  name: string,
  partitions: number,
  configs: Record<string, string> = {},
): Promise<void> {
  await log.admin.create([{ name, partitions, replicationFactor: -1, configs }])
}

/** Starts an app with what is there, and stops it. */
async function start(log: MemoryLog, options: Partial<AppOptions> = {}): Promise<void> {
  await using app = createApp({ id: 'app', log, objects: [kind('one'), kind('two')], logger: silentLogger, ...options })
  await app.start()
}

describe('at its start an app', () => {
  it('makes the topics that are its own, with as many partitions as its largest source', async () => {
    const log = memoryLog({ partitions: 1 })
    await topicOf(log, 'words', 3)
    await start(log)
    const infos = await log.admin.describe([
      'app-one-changelog',
      'app-one-inbox',
      'app-two-changelog',
      'app-two-inbox',
      'app-dlq',
    ])
    expect([...infos.values()].map((info) => info?.partitions)).toEqual([3, 3, 3, 3, 3])
    expect(infos.get('app-one-changelog')?.configs.get('cleanup.policy')).toBe('compact')
    expect(infos.get('app-one-inbox')?.configs.get('retention.ms')).toBe('-1')
  })

  it('keeps its number of state partitions when a source grows', async () => {
    const log = memoryLog({ partitions: 1 })
    await topicOf(log, 'app-one-changelog', 2, { 'cleanup.policy': 'compact' })
    await topicOf(log, 'words', 5)
    await start(log)
    expect((await log.admin.describe(['app-two-inbox'])).get('app-two-inbox')?.partitions).toBe(2)
  })

  it('makes sources and targets only when it may', async () => {
    const log = memoryLog()
    const flows = [topic('lines', text(), { partitions: 6 }).to(topic('copies', text()))]
    await expect(start(log, { flows })).rejects.toMatchObject({
      code: 'TOPIC_MISSING',
      topic: 'words',
      message: expect.stringMatching(/'words' does not exist.*createTopics/),
    })
    await start(log, { flows, createTopics: true })
    const infos = await log.admin.describe(['lines', 'copies'])
    expect([...infos.values()].map((info) => info?.partitions)).toEqual([6, 4])
  })

  it.each([
    [
      'changelogs of different sizes',
      async (log: MemoryLog) => {
        await topicOf(log, 'app-one-changelog', 2, { 'cleanup.policy': 'compact' })
        await topicOf(log, 'app-two-changelog', 3, { 'cleanup.policy': 'compact' })
      },
      /app-one-changelog has 2 partitions and app-two-changelog has 3.*Delete/,
    ],
    [
      'an inbox of another size',
      (log: MemoryLog) => topicOf(log, 'app-two-inbox', 7),
      /app-two-inbox has 7 partitions, the app's state has 4.*another app id/,
    ],
    [
      'a changelog that is not compacted',
      (log: MemoryLog) => topicOf(log, 'app-one-changelog', 4),
      /cleanup\.policy=delete and needs cleanup\.policy=compact.*kafka-configs/,
    ],
    [
      'an inbox that is compacted',
      (log: MemoryLog) => topicOf(log, 'app-one-inbox', 4, { 'cleanup.policy': 'compact' }),
      /cleanup\.policy=compact and needs cleanup\.policy=delete/,
    ],
    [
      'an inbox that forgets',
      (log: MemoryLog) => topicOf(log, 'app-one-inbox', 4, { 'retention.ms': '604800000' }),
      /retention\.ms=604800000 and needs retention\.ms=-1.*kafka-configs/,
    ],
    [
      'an inbox that forgets by size',
      (log: MemoryLog) => topicOf(log, 'app-one-inbox', 4, { 'retention.bytes': '1000' }),
      /retention\.bytes=1000 and needs retention\.bytes=-1/,
    ],
  ])('refuses %s and says what to do', async (_what, prepare, message) => {
    const log = memoryLog({ partitions: 4 })
    await topicOf(log, 'words', 4)
    await prepare(log)
    await expect(start(log)).rejects.toMatchObject({ code: 'TOPIC_MISMATCH', message: expect.stringMatching(message) })
  })

  it('takes dead letters of any size', async () => {
    const log = memoryLog({ partitions: 4 })
    await topicOf(log, 'words', 4)
    await topicOf(log, 'app-dlq', 1)
    await expect(start(log)).resolves.toBeUndefined()
  })

  it('warns of state that nothing claims any more, and of nothing else', async () => {
    const log = memoryLog()
    await topicOf(log, 'words', 1)
    await start(log)
    await topicOf(log, 'app-more-three-changelog', 1)
    await topicOf(log, 'other-four-changelog', 1)
    const logger = listeningLogger()
    await start(log, { objects: [kind('one')], logger })
    expect(logger.warnings).toEqual([expect.stringMatching(/app-two-changelog .*'two' renamed or removed/)])
  })
})
