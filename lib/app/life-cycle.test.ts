import { z } from 'zod'
import { faultyLog } from '../../test/faulty-log.js'
import { readAll } from '../../test/reading.js'
import { withAdmin } from '../../test/with-admin.js'
import { text } from '../codec/codec.js'
import { MillraceError } from '../core/errors.js'
import { silentLogger } from '../core/logger.js'
import { memoryLog, type MemoryLog } from '../memory/memory-log.js'
import { stateObject } from '../model/state-object.js'
import { topic } from '../model/stream.js'
import type { App } from './app.js'
import { createApp } from './create-app.js'
import type { AppOptions } from './options.js'

const words = topic('words', text())
const out = topic('out', text())
const counter = stateObject('counter', { state: z.object({ n: z.number() }), init: () => ({ n: 0 }) }).on(
  words,
  (word) => word,
  (state, word, turn) => turn.emit(out, `${word}${++state.n}`),
)

async function appOn(log: MemoryLog, options: Partial<AppOptions> = {}): Promise<App> {
  await log.send(words, [])
  return createApp({
    id: 'app',
    log: log.open(),
    objects: [counter],
    createTopics: true,
    logger: silentLogger,
    ...options,
  })
}

function bound(target: object, name: string | symbol): unknown {
  const member: unknown = Reflect.get(target, name)
  return typeof member === 'function' ? (member.bind(target) as unknown) : member
}

const values = async (log: MemoryLog): Promise<unknown[]> => (await readAll(log, out)).map(({ value }) => value)

describe('an app', () => {
  it('may be closed twice, and both times resolve when it is', async () => {
    const log = memoryLog()
    const app = await appOn(log)
    await app.start()
    await Promise.all([app.close(), app.close()])
    await app.close()
    await app.closed()
    expect(app.health()).toMatchObject({ live: false, ready: false })
  })

  it('may be closed before it was started, and then not be started', async () => {
    const app = await appOn(memoryLog())
    await app.close()
    await app.closed()
    await expect(app.start()).rejects.toMatchObject({ code: 'APP_CLOSED' })
  })

  it('answers start twice with the same start', async () => {
    const log = memoryLog({ partitions: 1 })
    const app = await appOn(log)
    await Promise.all([app.start(), app.start()])
    await log.send(words, ['a'])
    await app.drained()
    expect(await values(log)).toEqual(['a1'])
    await app.close()
  })

  it('may be closed while it starts, and then holds up nobody in its group', async () => {
    const log = memoryLog({ partitions: 2 })
    for (let turns = 0; turns < 40; turns++) {
      const app = await appOn(log)
      const starting = app.start().then(
        () => 'started',
        (error: MillraceError) => error.code,
      )
      for (let i = 0; i < turns; i++) await new Promise(setImmediate)
      await app.close()
      expect(['started', 'APP_CLOSED']).toContain(await starting)
    }
    await using other = await appOn(log)
    await other.start()
    await log.send(words, ['a'])
    await other.drained()
    expect(await values(log)).toEqual(['a1'])
  })

  it('commits what it has done when it is closed', async () => {
    const log = memoryLog({ partitions: 1 })
    const app = await appOn(log, { commitInterval: '1h' })
    await app.start()
    await log.send(
      words,
      Array.from({ length: 100 }, () => 'a'),
    )
    while (app.stats().turns < 100) await new Promise(setImmediate)
    await app.close()
    expect((await values(log)).at(-1)).toBe('a100')
  })

  it('cannot be asked before it runs, nor after', async () => {
    const app = await appOn(memoryLog())
    const asked = async (): Promise<void> => {
      await expect(app.drained()).rejects.toMatchObject({
        code: 'APP_CLOSED',
        message: expect.stringMatching(/start\(\) it first/),
      })
      await expect(app.state(counter).get('a')).rejects.toMatchObject({ code: 'APP_CLOSED' })
    }
    await asked()
    await app.start()
    await app.close()
    await asked()
  })

  it('closes in time when a commit is never answered', async () => {
    const log = memoryLog({ partitions: 1 })
    const app = await appOn(log, { log: faultyLog(log.open(), (step) => (step === 'commit' ? 'silence' : undefined)) })
    await app.start()
    await log.send(words, ['a'])
    while (app.stats().turns === 0) await new Promise(setImmediate)
    await log.send(words, ['b'])
    await app.close({ timeout: 30 })
    await app.closed()
    expect(await values(log)).toEqual([])
  })

  it('tells start, drained and closed alike what stopped it', async () => {
    const log = memoryLog({ partitions: 1 })
    const error = new MillraceError('BROKER_REFUSED', 'no')
    const app = await appOn(log, {
      log: faultyLog(log.open(), (step) => (step === 'begin' ? { error, done: false } : undefined)),
    })
    await app.start()
    const waiting = app.drained()
    await log.send(words, ['a'])
    await waiting.catch(() => undefined)
    await expect(app.closed()).rejects.toBe(error)
    const asked = async (): Promise<void> => {
      await expect(app.drained()).rejects.toBe(error)
      await expect(app.start()).rejects.toBe(error)
      await expect(app.state(counter).get('a')).rejects.toBe(error)
      await expect(app.state(counter).entries()[Symbol.asyncIterator]().next()).rejects.toBe(error)
      await expect(app.release(counter, 'a')).rejects.toBe(error)
      expect(() => app.quarantined()).toThrow(error)
    }
    await asked()
    await app.close()
    await asked()
    await app.close()
  })

  it('ends a list with the cause that is not complete for it', async () => {
    const log = memoryLog({ partitions: 2 })
    const error = new MillraceError('BROKER_REFUSED', 'no')
    let refuses = false
    const app = await appOn(log, {
      log: faultyLog(log.open(), (step) => (refuses && step === 'begin' ? { error, done: false } : undefined)),
    })
    await app.start()
    await log.send(words, ['a', 'b', 'c', 'd', 'e', 'f'])
    await app.drained()
    const entries = app.state(counter).entries()[Symbol.asyncIterator]()
    await entries.next()
    refuses = true
    await log.send(words, ['g'])
    await expect(app.drained()).rejects.toBe(error)
    const rest = async (): Promise<void> => {
      while ((await entries.next()).done !== true);
    }
    await expect(rest()).rejects.toBe(error)
    await app.close()
  })

  it('does not reject for an error met while it is closed, but to those who ask', async () => {
    const log = memoryLog({ partitions: 1 })
    const error = new MillraceError('CLIENT_UNSUPPORTED', 'too old')
    let close = (): void => undefined
    const closing = new Promise<void>((resolve) => (close = resolve))
    const describe: MemoryLog['admin']['describe'] = async (topics) => {
      if (!topics.includes('out')) return log.admin.describe(topics)
      await closing
      throw error
    }
    const app = await appOn(log, { log: withAdmin(log.open(), { describe }) })
    await app.start()
    await log.send(words, ['a'])
    while (app.stats().turns === 0) await new Promise(setImmediate)
    const closed = app.close()
    close()
    // One that nobody hears of would fail this test.
    await closed
    await new Promise(setImmediate)
    await expect(app.closed()).rejects.toBe(error)
  })

  it('says so when its last commit is refused, and closes all the same', async () => {
    const log = memoryLog({ partitions: 1 })
    const error = new MillraceError('NOT_AUTHORIZED', 'no')
    let refuse = (): void => undefined
    const closing = new Promise<void>((resolve) => (refuse = resolve))
    const warnings: string[] = []
    const port = log.open()
    const transactions: MemoryLog['transactions'] = async (options) => {
      const channel = await port.transactions(options)
      const commit = (): Promise<never> => closing.then(() => Promise.reject(error))
      return Object.assign(channel, { commit })
    }
    const app = await appOn(log, {
      log: new Proxy(port, { get: (target, name) => (name === 'transactions' ? transactions : bound(target, name)) }),
      logger: { ...silentLogger, warn: (_, message = '') => void warnings.push(message) },
    })
    await app.start()
    await log.send(words, ['a'])
    while (app.stats().turns === 0) await new Promise(setImmediate)
    const closed = app.close()
    refuse()
    await closed
    await app.closed()
    expect(warnings).toEqual([expect.stringMatching(/^the last commit was not made, .* at the next start: no/)])
    expect(await values(log)).toEqual([])
  })

  it('fails to start with what prevents it, and is closed then', async () => {
    const log = memoryLog()
    const app = createApp({ id: 'app', log, objects: [counter], logger: silentLogger })
    await expect(app.start()).rejects.toMatchObject({ code: 'TOPIC_MISSING' })
    await expect(app.closed()).rejects.toMatchObject({ code: 'TOPIC_MISSING' })
  })
})
