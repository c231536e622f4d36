import { z } from 'zod'
import { Instance } from '../../../test/instances.js'
import { app as id, inputs, Sent, stateOf, words } from '../../../test/word-app.js'
import { createApp } from '../../app/create-app.js'
import type { App } from '../../app/app.js'
import { text } from '../../codec/codec.js'
import { silentLogger } from '../../core/logger.js'
import { memoryLog, type MemoryLog } from '../../memory/memory-log.js'
import { stateObject } from '../../model/state-object.js'
import { topic } from '../../model/stream.js'
import { drained } from '../drain.js'

const lines = topic('lines', text())
const counter = stateObject('counter', { state: z.object({ n: z.number() }), init: () => ({ n: 0 }) }).on(
  lines,
  (line) => line,
  (state, line, turn) => {
    if (line === 'gone') return turn.delete()
    state.n++
  },
)

async function started(log: MemoryLog): Promise<App> {
  const app = createApp({ id: 'app', log: log.open(), objects: [counter], createTopics: true, logger: silentLogger })
  await app.start()
  return app
}

async function keys(app: App, options?: { prefix?: string; limit?: number }): Promise<string[]> {
  const found: string[] = []
  for await (const [key] of app.state(counter).entries(options)) found.push(key)
  return found
}

describe('the state of a task', () => {
  it('stays where it is when an instance joins: only what moves is restored', async () => {
    const log = memoryLog({ partitions: 4 })
    const sent = new Sent(log)
    const many = Array.from({ length: 200 }, (_, i) => ({ word: `w${i}`, lane: 'p', drop: false }))
    await sent.send(many)
    const first = new Instance({ log, objects: [words] })
    await first.engine.start()
    await drained(first.engine)
    const before = new Map(first.engine.parts.tasks.running)

    const second = new Instance({ log, objects: [words] })
    await second.engine.start()
    await sent.send(many)
    await drained(first.engine)
    await drained(second.engine)
    const after = first.engine.parts.tasks.running
    expect(after.size).toBe(2)
    for (const [index, task] of after) expect(task).toBe(before.get(index))
    expect(first.engine.stats.restoredRecords).toBe(0)
    expect(second.engine.stats.restoredRecords).toBeGreaterThan(0)
    expect([...(await stateOf([first.engine, second.engine])).values()]).toEqual(many.map(() => ({ count: 2 })))
    await first.engine.stop(1_000)
    await second.engine.stop(1_000)
  })

  it('goes on being read where it was, also in the middle of an answer', async () => {
    const log = memoryLog({ partitions: 2 })
    await log.send(inputs, [])
    const first = new Instance({ log, objects: [words], engine: { commitIntervalMs: 1 } })
    await first.engine.start()
    const many = Array.from({ length: 5_000 }, (_, seq) => ({ word: 'w', lane: 'p', seq, drop: false }))
    await log.send(inputs, many, { key: ({ lane }) => lane })
    while (first.engine.stats.records === 0) await new Promise(setImmediate)
    const second = new Instance({ log, objects: [words] })
    await second.engine.start()
    await drained(second.engine)
    expect([...(await stateOf([first.engine, second.engine]))]).toEqual([['w', { count: 5_000 }]])
    await first.engine.stop(1_000)
    await second.engine.stop(1_000)
  })

  it('is exact with room for one object in memory', async () => {
    const log = memoryLog({ partitions: 2 })
    const sent = new Sent(log)
    const instance = new Instance({ app: id, log, objects: [words], engine: { cacheEntries: 1, commitIntervalMs: 1 } })
    await log.send(inputs, [])
    await instance.engine.start()
    for (let i = 0; i < 30; i++) {
      await sent.send(
        ['a', 'b', 'c', 'd', 'e', 'f'].map((word) => ({ word, lane: 'p', drop: i === 7 && word === 'c' })),
      )
      if (i % 5 === 0) await drained(instance.engine)
    }
    await drained(instance.engine)
    expect([...(await stateOf([instance.engine]))].sort()).toEqual(
      ['a', 'b', 'c', 'd', 'e', 'f'].map((word) => [word, { count: word === 'c' ? 22 : 30 }]),
    )
    await instance.engine.stop(1_000)
  })
})

describe('a state reader', () => {
  it('gives committed objects, by key or in key order, with a prefix and a limit', async () => {
    const log = memoryLog({ partitions: 1 })
    await log.send(lines, ['b', 'a:2', 'a:1', 'a:10', 'ä', 'a:1', 'gone', 'a\u{10FFFF}'])
    await using app = await started(log)
    await app.drained()
    const state = app.state(counter)
    expect(await state.get('a:1')).toEqual({ n: 2 })
    expect([await state.get('gone'), await state.get('never')]).toEqual([undefined, undefined])
    expect(await keys(app)).toEqual(['a:1', 'a:10', 'a:2', 'a\u{10FFFF}', 'b', 'ä'])
    expect(await keys(app, { prefix: 'a:' })).toEqual(['a:1', 'a:10', 'a:2'])
    expect(await keys(app, { prefix: 'a:', limit: 2 })).toEqual(['a:1', 'a:10'])
    expect(await keys(app, { limit: 0 })).toEqual([])
    expect(await keys(app, { prefix: 'x' })).toEqual([])
  })

  it('gives a limit over all tasks', async () => {
    const log = memoryLog({ partitions: 4 })
    await log.send(lines, ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'])
    await using app = await started(log)
    await app.drained()
    expect(await keys(app, { limit: 5 })).toHaveLength(5)
    expect((await keys(app)).sort()).toEqual(['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'])
  })

  it('says that a key is elsewhere when another instance runs its task', async () => {
    const log = memoryLog({ partitions: 2 })
    await log.send(lines, ['a', 'b', 'c', 'd', 'e'])
    await using one = await started(log)
    await using two = await started(log)
    await two.drained()
    const own = [await keys(one), await keys(two)] as const
    expect(own.flat().sort()).toEqual(['a', 'b', 'c', 'd', 'e'])
    for (const key of own[0]) {
      expect(await one.state(counter).get(key)).toEqual({ n: 1 })
      await expect(two.state(counter).get(key)).rejects.toMatchObject({ code: 'KEY_ELSEWHERE', kind: 'counter', key })
    }
  })

  it('knows only the kinds of its app', async () => {
    const log = memoryLog({ partitions: 1 })
    await log.send(lines, [])
    await using app = await started(log)
    await expect(app.state(words).get('a')).rejects.toMatchObject({ code: 'DEFINITION_INVALID', kind: 'word' })
  })
})
