import { z } from 'zod'
import { listeningLogger, readAll } from '../../../test/reading.js'
import { createApp } from '../../app/create-app.js'
import type { AppOptions } from '../../app/options.js'
import { text } from '../../codec/codec.js'
import { silentLogger } from '../../core/logger.js'
import type { LogAdmin, LogPort, NewTopic } from '../../log/port.js'
import { memoryLog, type MemoryLog } from '../../memory/memory-log.js'
import { lookup } from '../../model/lookup.js'
import { stateObject, type AnyStateObject } from '../../model/state-object.js'
import { topic, type Topic } from '../../model/stream.js'
import { tumbling } from '../../model/window.js'

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

/** As brokers before 3.6 have it. */
function olderAdmin(admin: LogAdmin, onCreate: (configs: NewTopic['configs']) => void): LogAdmin {
  const unknown = /^message\.timestamp\.(before|after)\.max\.ms$/
  return {
    list: (prefix) => admin.list(prefix),
    endOffsets: (partitions, isolation) => admin.endOffsets(partitions, isolation),
    startOffsets: (partitions) => admin.startOffsets(partitions),
    stableCommitted: (group, partitions) => admin.stableCommitted(group, partitions),
    groupOffsets: (...more) => admin.groupOffsets(...more),
    trim: (before) => admin.trim(before),
    fence: (prefix, alive) => admin.fence(prefix, alive),
    openTransactions: (held) => admin.openTransactions(held),
    describeGroup: (group) => admin.describeGroup(group),
    removeMember: (group, member) => admin.removeMember(group, member),
    deleteTopics: (topics) => admin.deleteTopics(topics),
    offsetsAt: (partitions, timestampMs) => admin.offsetsAt(partitions, timestampMs),
    forgetOffsets: (group, partitions) => admin.forgetOffsets(group, partitions),
    async describe(topics) {
      const infos = [...(await admin.describe(topics))].map(([name, info]) => {
        const configs = new Map([...(info?.configs ?? [])].filter(([config]) => !unknown.test(config)))
        return [name, info && { ...info, configs }] as const
      })
      return new Map(infos)
    },
    async create(topics) {
      for (const { configs } of topics) onCreate(configs)
      await admin.create(topics)
    },
  }
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
    for (const info of infos.values()) {
      expect(info?.configs.get('message.timestamp.type')).toBe('CreateTime')
      for (const side of ['before', 'after'])
        expect(info?.configs.get(`message.timestamp.${side}.max.ms`)).toBe('9223372036854775807')
    }
  })

  it('leaves settings out that brokers do not know: those before 3.6 would not make the topic', async () => {
    const log = memoryLog({ partitions: 1 })
    await topicOf(log, 'words', 1)
    const made: (readonly string[])[] = []
    const port: LogPort = {
      ...log,
      [Symbol.asyncDispose]: () => log[Symbol.asyncDispose](),
      fetcher: (options) => log.fetcher(options),
      transactions: (options) => log.transactions(options),
      join: (options) => log.join(options),
      admin: olderAdmin(log.admin, (configs) => made.push(Object.keys(configs))),
    } as LogPort
    await using app = createApp({ id: 'app', log: port, objects: [kind('one')], logger: silentLogger })
    await app.start()
    expect(made.length).toBeGreaterThan(0)
    expect(made.flat().filter((name) => name.startsWith('message.timestamp'))).toEqual(
      made.map(() => 'message.timestamp.type'),
    )
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

  const echo = (target: Topic<string>): AnyStateObject =>
    stateObject('echo', { state: z.object({}), init: () => ({}) }).on(
      words,
      (word) => word,
      (_state, word, turn) => turn.emit(target, word),
    )

  it('makes a topic that a handler emits to with as many partitions as its definition says', async () => {
    const log = memoryLog()
    await log.send(words, ['a', 'b'])
    const logger = listeningLogger()
    const objects = [echo(topic('echoes', text(), { partitions: 6 }))]
    await using app = createApp({ id: 'app', log, objects, logger, createTopics: true })
    await app.start()
    await app.drained()
    expect((await log.admin.describe(['echoes'])).get('echoes')?.partitions).toBe(6)
    expect((await readAll(log, topic('echoes', text()))).map(({ value }) => value).sort()).toEqual(['a', 'b'])
    expect(logger.warnings).toEqual([])
  })

  it.each([
    [
      'a source',
      'lines',
      (of: Topic<string>): Partial<AppOptions> => ({ flows: [of.to(topic('copies', text(), { partitions: 4 }))] }),
    ],
    [
      'a target',
      'copies',
      (of: Topic<string>): Partial<AppOptions> => ({ flows: [words.to(of, { key: (word) => word })] }),
    ],
    ['a target of emit', 'echoes', (of: Topic<string>): Partial<AppOptions> => ({ objects: [echo(of)] })],
    ['a lookup table', 'names', (of: Topic<string>): Partial<AppOptions> => ({ lookups: [lookup(of)] })],
  ])(
    'says once when %s has another number of partitions than its definition, and uses it',
    async (_what, name, use) => {
      const log = memoryLog()
      await log.send(words, ['a', 'b'])
      await topicOf(log, name, 3, { 'cleanup.policy': 'compact' })
      const logger = listeningLogger()
      const options = { objects: [kind('one')], createTopics: true, ...use(topic(name, text(), { partitions: 5 })) }
      await using app = createApp({ id: 'app', log, logger, ...options })
      await app.start()
      await app.drained()
      expect(logger.warnings).toEqual([
        expect.stringMatching(`'${name}' has 3 partitions.*says partitions: 5.*used as it is.*kafka-topics --alter`),
      ])
      expect((await log.admin.describe([name])).get(name)?.partitions).toBe(3)
    },
  )

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

describe('internal topics that a broker stamps with its own time, or in which it takes times of today only', () => {
  const clicks = topic('clicks', z.object({ id: z.number(), at: z.number() }), { timestamp: ({ at }) => at })
  const closed = topic('closed', z.object({ start: z.number(), ids: z.array(z.number()) }))
  const minutes = stateObject('minute', {
    state: z.object({ ids: z.array(z.number()) }),
    init: () => ({ ids: [] as number[] }),
    window: tumbling('1m'),
  })
    // All of them hop.
    .on(clicks, { key: () => 'all', route: 'shuffle' }, ({ ids }, { id }) => {
      ids.push(id)
    })
    .onClose(({ ids }, turn) => turn.emit(closed, { start: turn.window.start, ids }))

  it.each<readonly [string, Record<string, string>]>([
    ['LogAppendTime', { 'message.timestamp.type': 'LogAppendTime' }],
    ['little time', { 'message.timestamp.before.max.ms': '60000', 'message.timestamp.after.max.ms': '60000' }],
  ])('do not change event time: %s', async (_what, configs) => {
    const log = memoryLog({ partitions: 1 })
    await topicOf(log, 'app-minute-inbox', 1, { 'retention.ms': '-1', ...configs })
    for (const name of ['app-minute-changelog', 'app-timers'])
      await topicOf(log, name, 1, { 'cleanup.policy': 'compact', ...configs })
    await topicOf(log, 'app-dlq', 1, configs)
    const ids = Array.from({ length: 10 }, (_, id) => ({ id, at: id * 30_000 }))
    await log.send(clicks, [...ids, { id: -1, at: 0 }])
    await using app = createApp({ id: 'app', log, objects: [minutes], createTopics: true, logger: silentLogger })
    await app.start()
    await app.drained()
    await log.send(clicks, [{ id: 10, at: 300_000 }])
    await app.drained()
    expect((await readAll(log, closed)).map(({ value }) => value)).toEqual(
      [0, 1, 2, 3, 4].map((minute) => ({
        start: minute * 60_000,
        ids: minute === 0 ? [0, 1, -1] : [2 * minute, 2 * minute + 1],
      })),
    )
    await log.send(clicks, [{ id: 11, at: 10 }])
    await app.drained()
    expect((await readAll(log, topic('app-dlq', clicks.codec))).map(({ value }) => value?.id)).toEqual([11])
  })
})
