import { createServer, type AddressInfo } from 'node:net'
import { inspect } from 'node:util'
import { z } from 'zod'
import { text } from '../codec/codec.js'
import type { Logger } from '../core/logger.js'
import { memoryLog } from '../memory/memory-log.js'
import { stateObject } from '../model/state-object.js'
import { topic } from '../model/stream.js'
import type { KafkaOptions } from '../kafka/connection/options.js'
import type { App } from './app.js'
import { createApp } from './create-app.js'
import type { AppOptions } from './options.js'

const canary = 'canary-Zk3vQ9'
const token = `${canary}-http-token`
const key = `-----BEGIN PRIVATE KEY-----\n${canary}-private-key\n-----END PRIVATE KEY-----`

const words = topic('words', text())
const counter = stateObject('counter', { state: z.object({ n: z.number() }), init: () => ({ n: 0 }) }).on(
  words,
  { key: (word) => word, onError: { attempts: 1 } },
  (state, word) => {
    if (word === 'bad') throw new Error('a word that is bad')
    state.n++
  },
)

/** Everything that is said of an app, to whomever. */
class Said {
  readonly #parts: string[] = []

  readonly logger: Logger = {
    debug: (...all) => this.add(all),
    info: (...all) => this.add(all),
    warn: (...all) => this.add(all),
    error: (...all) => this.add(all),
  }

  add(thing: unknown): void {
    this.#parts.push(typeof thing === 'string' ? thing : inspect(thing, { depth: 12, maxStringLength: 100_000 }))
  }

  get all(): string {
    return this.#parts.join('\n')
  }
}

const gets =
  `/ /none /% /login /livez /readyz /metrics /page/ /state/counter /state/counter/a /state/none/a /state/counter?limit=x
  /watch/counter/a?after=x /state/counter/a?after=x /api/topology /api/instance /api/overview /api/objects?kind=counter
  /api/object?kind=counter&key=bad /api/quarantined /api/letters /api/letter?partition=0&offset=0 /api/warnings /api/nothing`.split(
    /\s+/,
  )
const posts = [
  '/login',
  '/logout',
  '/state/counter/a/ask/none',
  '/api/release',
  '/api/letters/replay',
  '/api/letters/drop',
]

const authorizations = [`Bearer ${token}`, `Bearer ${token}-not`, `Basic ${btoa(`${canary}:${canary}`)}`, '']

/** What is answered while no broker is there. */
const always = ['/', '/livez', '/readyz', '/metrics', '/api/topology', '/api/instance', '/api/warnings?here=1']

async function askAll(app: App, said: Said, paths = gets): Promise<void> {
  const asking = new AbortController()
  for (const authorization of authorizations) {
    for (const accept of ['text/html', '*/*']) {
      const headers = { authorization, accept }
      for (const path of paths) await hear(await app.handler(new Request(`http://localhost${path}`, { headers })), said)
      for (const path of paths === gets ? posts : []) {
        const init = {
          method: 'POST',
          headers: { ...headers, 'content-type': 'application/json' },
          body: '{"kind":"counter"}',
        }
        await hear(await app.handler(new Request(`http://localhost${path}`, init)), said)
      }
    }
  }
  if (paths !== gets) return
  const request = new Request('http://localhost/api/live', {
    headers: { authorization: `Bearer ${token}` },
    signal: asking.signal,
  })
  const reader = (await app.handler(request)).body?.getReader()
  said.add(Buffer.from((await reader?.read())?.value ?? []).toString())
  asking.abort()
}

async function hear(answer: Response, said: Said): Promise<void> {
  said.add([...answer.headers].map((header) => header.join(': ')).join('\n'))
  said.add(await answer.text())
}

function look(app: App, said: Said): void {
  for (const thing of [app, app.health(), app.stats(), app.describe(), app.http, JSON.stringify(app)]) said.add(thing)
}

/** What is refused of options is told with them. */
function refused(options: unknown, said: Said): void {
  try {
    createApp(options as AppOptions)
    throw new Error('these options were to be refused')
  } catch (error) {
    said.add(error)
  }
}

describe('secrets', () => {
  it('of an app that runs are said to nobody', async () => {
    const said = new Said()
    const log = memoryLog()
    const app = createApp({
      id: 'app',
      log,
      objects: [counter],
      createTopics: true,
      logger: said.logger,
      http: { port: 0, token },
    })
    await app.start()
    await log.send(words, ['good', 'bad'])
    await app.drained()
    await askAll(app, said)
    look(app, said)
    said.add(await app.metrics())
    await app.close()
    look(app, said)
    // It has looked where it was to look.
    expect(said.all).toContain('a word that is bad')
    expect(said.all).toContain('millrace_')
    expect(said.all).not.toContain(canary)
  })

  it('of an app whose brokers hang up are said to nobody', async () => {
    const server = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    const { port } = server.address() as AddressInfo
    const password = `${canary}-password`
    const passphrase = `${canary}-passphrase`
    const all: readonly Partial<KafkaOptions>[] = [
      {},
      { ssl: { rejectUnauthorized: false, passphrase } },
      { ssl: { key, cert: key } },
    ]
    for (const options of all) {
      const said = new Said()
      const sasl = { mechanism: 'plain', username: 'me', password } as const
      const kafka = { brokers: [`127.0.0.1:${port}`], sasl, ...options }
      const app = createApp({ id: 'app', objects: [counter], logger: said.logger, kafka, http: { port: 0, token } })
      const degraded = new Promise<void>((resolve) => app.onStateChange(({ to }) => to === 'degraded' && resolve()))
      const started = app.start().catch((error: unknown) => said.add(error))
      await Promise.race([degraded, started])
      await askAll(app, said, always)
      look(app, said)
      await app.close({ timeout: 0 })
      await started
      expect(said.all).toContain('MillraceError')
      expect(said.all).not.toContain(canary)
    }
    server.close()
  })

  it('in options that are refused are said to nobody', () => {
    const said = new Said()
    const base = { id: 'app', objects: [counter] }
    const kafka = { brokers: ['127.0.0.1:1'] }
    for (const wrong of [canary, `${canary} with a space in it`, [token], { token }, Symbol(canary)])
      refused({ ...base, kafka, http: { token: wrong } }, said)
    refused({ ...base, kafka, http: { token, prot: 1 } }, said)
    refused({ ...base, kafka, http: token }, said)
    refused({ ...base, kafka: { ...kafka, sasl: `${canary}` } }, said)
    refused({ ...base, kafka: { ...kafka, ssl: key } }, said)
    refused({ ...base, kafka: canary }, said)
    expect(said.all).toContain('OPTIONS_INVALID')
    expect(said.all).not.toContain(canary)
  })
})
