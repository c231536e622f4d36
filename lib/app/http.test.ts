import { createServer } from 'node:net'
import { z } from 'zod'
import { text } from '../codec/codec.js'
import { silentLogger } from '../core/logger.js'
import { memoryLog } from '../memory/memory-log.js'
import { stateObject } from '../model/state-object.js'
import { topic } from '../model/stream.js'
import { membersOf } from '../runtime/membership/members.js'
import type { App } from './app.js'
import { createApp } from './create-app.js'
import type { AppOptions } from './options.js'

const words = topic('words', text())
const counter = stateObject('counter', { state: z.object({ n: z.number() }), init: () => ({ n: 0 }) }).on(
  words,
  (word) => word,
  (state) => void state.n++,
)

const log = memoryLog()

const appWith = (http: AppOptions['http']): App =>
  createApp({
    id: 'app',
    log,
    objects: [counter],
    createTopics: true,
    logger: silentLogger,
    ...(http === undefined ? {} : { http }),
  })

describe('an app with an HTTP listener', () => {
  it('answers its probes, tells its group where it is, and is gone when it is closed', async () => {
    const app = appWith({ port: 0 })
    expect(app.http).toBeUndefined()
    await app.start()
    const url = app.http?.url as string
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
    const live = await fetch(`${url}/livez`)
    expect([live.status, await live.json()]).toEqual([200, { live: true, state: 'running' }])
    const ready = await fetch(`${url}/readyz`)
    expect([ready.status, await ready.json()]).toMatchObject([200, { ready: true, state: 'running', takingOver: [] }])
    expect(membersOf(await log.admin.describeGroup('app'))).toMatchObject([{ http: url }])
    await app.close()
    await expect(fetch(`${url}/livez`)).rejects.toThrow('fetch failed')
    expect((await app.handler(new Request('http://localhost/livez'))).status).toBe(503)
  })

  it('is told by the URL it is given, also when it does not listen', async () => {
    const app = appWith({ advertised: 'http://10.0.0.7:9464/millrace/' })
    await app.start()
    expect(app.http).toEqual({ url: 'http://10.0.0.7:9464/millrace' })
    expect(membersOf(await log.admin.describeGroup('app'))).toMatchObject([{ http: 'http://10.0.0.7:9464/millrace' }])
    await app.close()
  })

  it('does not start where something else listens', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => other.once('listening', resolve))
    const { port } = other.address() as { port: number }
    const app = appWith({ port })
    await expect(app.start()).rejects.toMatchObject({
      code: 'LISTEN_FAILED',
      message: expect.stringContaining(`127.0.0.1:${port}`),
    })
    await expect(app.closed()).rejects.toMatchObject({ code: 'LISTEN_FAILED' })
    other.close()
  })

  it('listens no more when it is closed while it starts', async () => {
    const app = appWith({ port: 0 })
    const started = app.start()
    await app.close()
    await expect(started).rejects.toMatchObject({ code: 'APP_CLOSED' })
    expect(app.http).toBeUndefined()
  })
})

describe('an app that an error has stopped', () => {
  it('says no more to its probes than that, and its code: anybody may ask', async () => {
    const reader = stateObject('reader', { state: z.object({}), init: () => ({}) }).on(
      words,
      { key: (word) => word, onError: { attempts: 1, then: 'stop' } },
      () => {
        throw new Error('card 4711 of Ada')
      },
    )
    const own = memoryLog()
    await own.send(words, ['a'])
    const app = createApp({ id: 'app', log: own, objects: [reader], createTopics: true, logger: silentLogger })
    await app.start().catch(() => undefined)
    await expect(app.closed()).rejects.toThrow('4711')
    expect(app.health().reason).toContain('4711')
    for (const probe of ['livez', 'readyz']) {
      const answer = await app.handler(new Request(`http://box/${probe}`))
      const text = await answer.text()
      expect([answer.status, text]).toEqual([503, expect.stringContaining('stopped by an error')])
      expect(text).not.toContain('4711')
    }
  })
})

describe('the handler of an app', () => {
  it('answers before the start and after the end, without a listener', async () => {
    const app = appWith(undefined)
    const ask = async (): Promise<[number, unknown]> => {
      const answer = await app.handler(new Request('http://example.com/readyz'))
      return [answer.status, await answer.json()]
    }
    expect(await ask()).toMatchObject([
      503,
      { ready: false, state: 'starting', reason: expect.stringContaining('start()') },
    ])
    await app.start()
    expect(await ask()).toMatchObject([200, { ready: true }])
    await app.close()
    expect(await ask()).toMatchObject([503, { ready: false, state: 'closed' }])
  })
})
