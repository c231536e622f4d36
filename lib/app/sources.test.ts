import { readAll } from '../../test/reading.js'
import { arraySource, until } from '../../test/source-world.js'
import { z } from 'zod'
import { text } from '../codec/codec.js'
import { sink, source } from '../connect/definitions.js'
import type { SinkBatch } from '../connect/sink.js'
import { systemClock } from '../core/clock.js'
import { silentLogger } from '../core/logger.js'
import { memoryLog, type MemoryLog } from '../memory/memory-log.js'
import { stateObject } from '../model/state-object.js'
import { topic } from '../model/stream.js'
import type { AppOptions } from './options.js'
import { createApp } from './create-app.js'

const lines = topic('lines', text())
const out = topic('out', text())
const given = ['a', 'b', 'a', 'a']
const from = arraySource({ 0: given.map((value) => ({ value })) })
const counter = stateObject('counter', { state: z.object({ n: z.number() }), init: () => ({ n: 0 }) }).on(
  lines,
  (line) => line,
  (state, line, turn) => turn.emit(out, `${line}${++state.n}`),
)

const appOf = (log: MemoryLog, options: Partial<AppOptions>) =>
  createApp({ id: 'app', log: log.open(), createTopics: true, logger: silentLogger, ...options })
const values = async (log: MemoryLog, of: typeof out): Promise<unknown[]> =>
  (await readAll(log, of)).map(({ value }) => value).sort()

describe('an app with sources', () => {
  it('reads what they write', async () => {
    const log = memoryLog()
    const app = appOf(log, { objects: [counter], sources: [source('words', { into: lines, from })] })
    await app.start()
    await until(() => app.stats().connectors[0]?.records === 4)
    await app.drained()
    expect(await values(log, out)).toEqual(['a1', 'a2', 'a3', 'b1'])
    expect(app.health().connectors).toEqual([
      expect.objectContaining({ kind: 'source', name: 'words', connector: 'array', state: 'running' }),
    ])
    await app.close()
    expect(app.health().connectors[0]?.state).toBe('stopped')
  })

  it('needs nothing else', async () => {
    const log = memoryLog()
    await using app = appOf(log, { sources: [source('words', { into: lines, from })] })
    await app.start()
    await until(() => app.stats().connectors[0]?.records === 4)
    await app.drained()
    expect(app.health()).toMatchObject({ live: true, ready: true, state: 'running' })
    expect(await values(log, lines)).toEqual(['a', 'a', 'a', 'b'])
  })

  it('is not started where their topic is missing and may not be made', async () => {
    const log = memoryLog()
    const app = appOf(log, { createTopics: false, sources: [source('words', { into: lines, from })] })
    await expect(app.start()).rejects.toMatchObject({ code: 'TOPIC_MISSING', topic: 'lines' })
  })

  it('is stopped by one whose topic says so', async () => {
    const strict = topic('lines', text(), { onInvalid: 'stop' })
    const bad = arraySource({ 0: [{ value: 'a' }, { value: 7, at: 'file:2' }] }, { batch: 1 })
    const app = appOf(memoryLog(), { sources: [source('words', { into: strict, from: bad })] })
    const closed = app.closed()
    await app.start()
    await expect(closed).rejects.toMatchObject({ code: 'VALUE_INVALID', message: expect.stringContaining('file:2') })
    expect(app.health().live).toBe(false)
  })

  it('closes them although one does not end', async () => {
    const deaf = { kind: 'deaf', delivery: 'volatile' as const, open: () => endless }
    const app = appOf(memoryLog(), { sources: [source('words', { into: lines, from: deaf })] })
    await app.start()
    await app.close({ timeout: '50ms' })
    expect(app.health().state).toBe('closed')
  })

  it('has time left for its sinks although a source does not end', async () => {
    const deaf = { kind: 'deaf', delivery: 'volatile' as const, open: () => endless }
    const steps: string[] = []
    const to = {
      kind: 'slow',
      open: () => ({
        write: () => undefined,
        close: async () => {
          await systemClock.sleep(20)
          steps.push('the sink is closed')
        },
      }),
    }
    const app = appOf(memoryLog(), {
      objects: [counter],
      sources: [source('words', { into: lines, from: deaf })],
      sinks: [sink('slow', { from: out, to })],
    })
    await app.start()
    await until(() => app.health().connectors.every(({ state }) => state === 'running'))
    await app.close({ timeout: '600ms' })
    expect(new Set(steps).size).toBe(1)
    expect(app.health().connectors[1]?.state).toBe('stopped')
  })

  it('has sinks that take what it writes', async () => {
    const written: unknown[] = []
    const to = {
      kind: 'list',
      open: () => ({ write: ({ records }: SinkBatch) => void written.push(...records.map(({ value }) => value)) }),
    }
    const sources = [source('words', { into: lines, from })]
    await using app = appOf(memoryLog(), { objects: [counter], sources, sinks: [sink('list', { from: out, to })] })
    await app.start()
    await until(() => written.length === 4)
    expect(written.sort()).toEqual(['a1', 'a2', 'a3', 'b1'])
    expect(app.health().connectors.map(({ kind, name }) => `${kind} ${name}`)).toEqual(['source words', 'sink list'])
    expect(app.describe()).toContain('sink list: out → list')
  })

  it('is described with them', () => {
    const text = appOf(memoryLog(), { sources: [source('words', { into: lines, from })] }).describe()
    expect(text).toContain('source words: array → lines (exactly-once')
    expect(text).toContain('positions app-words-positions, group app-source-words')
  })

  it.each<[string, Partial<AppOptions>, RegExp]>([
    ['none', { sources: [{ kind: 'source?' }] as never }, /is no source; give a list of them, made with source/],
    ['nothing', { sources: [undefined] as never }, /is no source/],
    ['no list', { sources: { words: 1 } as never }, /give a list of sources/],
    [
      'one twice',
      { sources: [source('w', { into: lines, from }), source('w', { into: out, from })] },
      /two sources are named 'w'/,
    ],
    [
      'one into a topic of the app',
      { sources: [source('w', { into: topic('app-x-inbox', text()), from })] },
      /source 'w': into: app-x-inbox is/,
    ],
    [
      'one into positions',
      { sources: [source('w', { into: topic('app-w-positions', text()), from })] },
      /keeps its positions/,
    ],
  ])('is refused with %s', (_what, options, message) => {
    expect(() => appOf(memoryLog(), options)).toThrow(message)
  })
})

const endless = {
  [Symbol.asyncIterator]: () => ({
    next: () => new Promise<never>(() => undefined),
    return: () => new Promise<never>(() => undefined),
  }),
}
