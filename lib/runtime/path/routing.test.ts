import { z } from 'zod'
import { readAll } from '../../../test/reading.js'
import { createApp } from '../../app/create-app.js'
import { text } from '../../codec/codec.js'
import { silentLogger } from '../../core/logger.js'
import { memoryLog, type MemoryLog } from '../../memory/memory-log.js'
import type { Route } from '../../model/kind.js'
import { stateObject, type AnyStateObject } from '../../model/state-object.js'
import { topic } from '../../model/stream.js'
import type { Stats } from '../setup/engine-options.js'
import type { AppOptions } from '../../app/options.js'

const words = topic('words', text())
const out = topic('out', text())
const state = z.object({ n: z.number() })
const init = (): { n: number } => ({ n: 0 })
const all = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']

/** Counts a word under its own name and tells where the record came from. */
function counting(route: Route): AnyStateObject {
  return stateObject('word', { state, init }).on(words, { key: (word) => word, route }, (object, word, turn) => {
    object.n++
    const { topic: from, partition, offset, key, headers, timestamp } = turn.record
    const trace = Buffer.from(headers.get('trace') ?? []).toString()
    turn.emit(out, `${word} ${from}[${partition}]@${offset} ${key} ${trace} ${timestamp} ${headers.size} ${turn.now}`)
  })
}

async function ran(log: MemoryLog, options: Partial<AppOptions>): Promise<Stats> {
  await using app = createApp({ id: 'app', log, createTopics: true, logger: silentLogger, ...options })
  await app.start()
  await app.drained()
  return app.stats()
}

async function topicOf(log: MemoryLog, name: string, partitions: number): Promise<void> {
  await log.admin.create([{ name, partitions, replicationFactor: -1, configs: {} }])
}

const headers = (word: string): ReadonlyMap<string, Uint8Array> => new Map([['trace', Buffer.from(`t-${word}`)]])
const timestamp = (word: string): number => 1_000 + word.charCodeAt(0)

describe('a record', () => {
  it('runs in place where its producer partitioned by the same key', async () => {
    const log = memoryLog({ partitions: 4 })
    await log.send(words, all, { key: (word) => word })
    expect(await ran(log, { objects: [counting('auto')] })).toMatchObject({ hops: 0, turns: 8 })
  })

  it("always hops where the route is 'shuffle'", async () => {
    const log = memoryLog({ partitions: 4 })
    await log.send(words, [...all, ...all], { key: (word) => word })
    expect(await ran(log, { objects: [counting('shuffle')] })).toMatchObject({ hops: 16, turns: 16 })
  })

  it.each(['auto', 'shuffle'] as const)(
    "keeps its place, key, headers and time for the handler, with route '%s'",
    async (route) => {
      const log = memoryLog({ partitions: 4 })
      await log.send(words, all, { key: (word) => `key-${word}`, headers, timestamp })
      expect((await ran(log, { objects: [counting(route)] })).hops).toBeGreaterThan(0)
      const wanted: string[] = []
      for await (const { value, record } of log.read(words)) {
        const at = timestamp(value as string)
        wanted.push(`${value} words[${record.partition}]@${record.offset} key-${value} t-${value} ${at} 1 ${at}`)
      }
      expect((await readAll(log, out)).map(({ value }) => value).sort()).toEqual(wanted.sort())
    },
  )

  it('without a key has none after a hop either', async () => {
    const log = memoryLog({ partitions: 2 })
    await log.send(words, ['a'])
    await ran(log, { objects: [counting('shuffle')] })
    expect((await readAll(log, out))[0]?.value).toMatch(/^a words\[\d\]@0 null /)
  })

  it('survives a hop in any form a step gave it', async () => {
    const log = memoryLog({ partitions: 4 })
    const bytesSeen: unknown[] = []
    const kind = stateObject('kind', { state, init })
      .on(
        words.map((word) => Buffer.from(word)),
        { key: () => 'k', route: 'shuffle' },
        (_state, value) => void bytesSeen.push(Buffer.from(value).toString()),
      )
      .on(
        words.map((word) => ({ word })),
        { key: () => 'k', route: 'shuffle' },
        (_state, value) => void bytesSeen.push(value),
      )
      .on(
        words.map((word) => word.toUpperCase()),
        { key: () => 'k', route: 'shuffle' },
        (_state, value) => void bytesSeen.push(value),
      )
    await log.send(words, ['ä'])
    await ran(log, { objects: [kind] })
    expect(bytesSeen).toEqual(['ä', { word: 'ä' }, 'Ä'])
  })

  it('is dropped, and counted, when its key is null', async () => {
    const log = memoryLog({ partitions: 2 })
    await log.send(words, all)
    expect(
      await ran(log, {
        objects: [
          stateObject('word', { state, init }).on(
            words,
            (word) => (word < 'c' ? word : null),
            () => undefined,
          ),
        ],
      }),
    ).toMatchObject({ turns: 2, dropped: 6 })
  })
})

describe('a source', () => {
  it.each([
    [2, 5],
    [5, 2],
    [1, 4],
  ])('of %i partitions may feed state of %i', async (inputs, partitions) => {
    const log = memoryLog({ partitions })
    await topicOf(log, 'words', inputs)
    await log.admin.create([
      { name: 'app-word-changelog', partitions, replicationFactor: -1, configs: { 'cleanup.policy': 'compact' } },
    ])
    await log.send(words, [...all, ...all], { key: (word) => word })
    expect(await ran(log, { objects: [counting('auto')] })).toMatchObject({ turns: 16 })
    await using app = createApp({ id: 'app', log, objects: [counting('auto')], logger: silentLogger })
    await app.start()
    for (const word of all) expect(await app.state(counting('auto') as never).get(word)).toEqual({ n: 2 })
  })
})

describe('what is written', () => {
  it('keeps headers, key and time through a flow', async () => {
    const log = memoryLog({ partitions: 2 })
    await log.send(words, all, { key: (word) => `key-${word}`, headers, timestamp })
    await ran(log, { flows: [words.map((word) => word.toUpperCase()).to(out)] })
    const found = await readAll(log, out)
    expect(found.map(({ key, value, headers: own }) => [key, value, own]).sort()).toEqual(
      all.map((word) => [`key-${word}`, word.toUpperCase(), { trace: `t-${word}` }]),
    )
  })

  it('may have another key, or none, or headers and a time of its own', async () => {
    const log = memoryLog({ partitions: 2 })
    const kind = stateObject('kind', { state, init }).on(
      words,
      () => 'k',
      (_state, word, turn) => {
        turn.emit(out, 'default')
        turn.emit(out, 'other', { key: word })
        turn.emit(out, 'none', { key: null, headers: { a: 'x', b: Buffer.from('y') }, timestamp: 77 })
      },
    )
    await log.send(words, ['w'])
    await ran(log, { objects: [kind] })
    const found = new Map((await readAll(log, out)).map(({ key, value, headers: own }) => [value, [key, own]]))
    expect(found).toEqual(
      new Map<string, unknown>([
        ['default', ['k', {}]],
        ['other', ['w', {}]],
        ['none', [null, { a: 'x', b: 'y' }]],
      ]),
    )
  })

  it('without a key goes to all partitions in turn', async () => {
    const log = memoryLog({ partitions: 3 })
    await topicOf(log, 'out', 3)
    await using app = createApp({
      id: 'app',
      log,
      flows: [words.to(out, { key: () => null })],
      createTopics: true,
      logger: silentLogger,
    })
    await log.send(words, [])
    await app.start()
    for (let i = 0; i < 9; i++) {
      await log.send(words, [`w${i}`])
      await app.drained()
    }
    expect(new Set((await readAll(log, out)).map(({ partition }) => partition))).toEqual(new Set([0, 1, 2]))
  })
})

describe('a topic first named by an emit', () => {
  const emitting = stateObject('kind', { state, init }).on(
    words,
    () => 'k',
    (object, word, turn) => turn.emit(out, `${word}${++object.n}`),
  )

  it('is made when the app may make topics, and loses nothing', async () => {
    const log = memoryLog({ partitions: 2 })
    await log.send(words, ['a', 'b', 'c'])
    await ran(log, { objects: [emitting] })
    expect((await readAll(log, out)).map(({ value }) => value)).toEqual(['a1', 'b2', 'c3'])
  })

  it('is found when it is there', async () => {
    const log = memoryLog({ partitions: 2 })
    await topicOf(log, 'out', 7)
    await log.send(words, ['a', 'b', 'c'])
    await ran(log, { objects: [emitting], createTopics: false })
    expect((await readAll(log, out)).map(({ value }) => value)).toEqual(['a1', 'b2', 'c3'])
  })

  it('is an error of the turn when it is not there and may not be made', async () => {
    const log = memoryLog({ partitions: 2 })
    await log.send(words, ['a'])
    const { failed, turns } = await ran(log, { objects: [emitting], createTopics: false })
    expect({ failed, turns }).toEqual({ failed: 1, turns: 0 })
  })
})
