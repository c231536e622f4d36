import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { z } from 'zod'
import { freePort } from '../../test/free-port.js'
import { listening } from '../../test/tcp.js'
import { readAll } from '../../test/reading.js'
import { sendUntilAnswered } from '../../test/resending-sender.js'
import { until } from '../../test/source-world.js'
import { createApp } from '../app/create-app.js'
import { text } from '../codec/codec.js'
import { json } from '../codec/json/json.js'
import { sink, source } from '../connect/index.js'
import { systemClock } from '../core/clock.js'
import { silentLogger } from '../core/logger.js'
import { memoryLog, type MemoryLog } from '../memory/memory-log.js'
import { topic } from '../model/stream.js'
import { tcpSink, tcpSource, type TcpSourceOptions } from './index.js'

const events = topic('events', json(z.object({ id: z.string(), n: z.number() })))
const letters = topic('app-dlq', text())

/** An app with a source on a port that is free, and always the same. */
class World {
  readonly log: MemoryLog = memoryLog()
  port = 0
  #app: ReturnType<typeof createApp> | undefined

  async start(options: Partial<TcpSourceOptions> = {}): Promise<void> {
    const listened = new Promise<void>((resolve) => {
      const from = tcpSource({
        listen: { port: this.port },
        frames: 'line',
        answers: true,
        id: (frame) => String((JSON.parse(frame.toString()) as { id: string }).id),
        onListening: ({ port }) => resolve(void (this.port = port)),
        ...options,
      })
      const sources = [source('wire', { into: events, from, key: ({ id }) => id })]
      this.#app = createApp({ id: 'app', log: this.log.open(), createTopics: true, logger: silentLogger, sources })
    })
    await this.#app!.start()
    await listened
  }

  get stats() {
    return this.#app!.stats().connectors[0]!
  }

  stop(): Promise<void> {
    return this.#app!.close()
  }
}

const line = (n: number): string => JSON.stringify({ id: `id ${n}`, n })

it('frames with ids come exactly once, whatever becomes of connections and processes, and refused ones are dead letters', async () => {
  const world = new World()
  await world.start()
  const count = 6_000
  const bad = new Set(['not JSON', '{"id":"x","n":"text"}'])
  const lines = [...Array.from({ length: count }, (_, n) => line(n)), ...bad]
  let isRestarting: Promise<void> | undefined
  let restarts = 0
  let kills = 0
  const random = seeded(12)
  const { sent, refused } = await sendUntilAnswered({
    port: () => world.port,
    lines,
    meanwhile(answered, socket) {
      if (random() < 0.1) void (kills++, socket.destroy())
      if (restarts >= 2 || answered < (restarts + 1) * 2_000 || isRestarting !== undefined) return
      restarts++
      isRestarting = (async () => {
        await world.stop()
        await world.start()
        isRestarting = undefined
      })()
    },
  })
  await isRestarting
  expect(restarts).toBe(2)
  expect(kills).toBeGreaterThan(0)
  expect(sent).toBeGreaterThan(lines.length)
  expect(refused.map((each) => each.split(': ')[0])).toEqual([...bad])
  const got = (await readAll(world.log, events)).map(({ value }) => (value as { n: number }).n)
  expect(got.sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, n) => n))
  const kept = (await readAll(world.log, letters)).map(({ value }) => value as string)
  expect(new Set(kept)).toEqual(bad)
  await world.stop()
}, 60_000)

it('listens in one process, and when that one ends, in another one, which knows the ids', async () => {
  const log = memoryLog()
  const places: string[] = []
  let told = (): void => undefined
  const start = async (name: string, port: number) => {
    const onListening = (): void => {
      places.push(name)
      told()
    }
    const id = (frame: Buffer): string => (JSON.parse(frame.toString()) as { id: string }).id
    const from = tcpSource({ listen: { port }, frames: 'line', answers: true, id, onListening })
    const sources = [source('wire', { into: events, from, backoff: '10ms' })]
    const app = createApp({ id: 'app', log: log.open(), createTopics: true, logger: silentLogger, sources })
    await app.start()
    return app
  }
  const listens = async (name: string): Promise<void> => {
    while (places.at(-1) !== name) await new Promise<void>((resolve) => (told = resolve))
  }
  const port = await freePort()
  const first = await start('first', port)
  await listens('first')
  const second = await start('second', port)
  const send = (from: number, to: number) =>
    sendUntilAnswered({ port: () => port, lines: Array.from({ length: to - from }, (_, i) => line(from + i)) })
  // The group may give it to the second one while both are there; the port is the same.
  await send(0, 100)
  const owner = places.at(-1)!
  await (owner === 'first' ? first : second).close()
  await listens(owner === 'first' ? 'second' : 'first')
  await send(50, 200)
  const got = (await readAll(log, events)).map(({ value }) => (value as { n: number }).n)
  expect(got.sort((a, b) => a - b)).toEqual(Array.from({ length: 200 }, (_, n) => n))
  await Promise.all([first.close(), second.close()])
})

it('that could not listen, and now can, is said to run before anybody comes', async () => {
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  const from = tcpSource({ listen: { port: (other.address() as AddressInfo).port }, frames: 'line' })
  const sources = [source('wire', { into: events, from, backoff: '10ms' })]
  const app = createApp({ id: 'app', log: memoryLog().open(), createTopics: true, logger: silentLogger, sources })
  await app.start()
  const says = async (state: string): Promise<string | undefined> => {
    while (app.health().connectors[0]!.state !== state) await systemClock.breathe()
    return app.health().connectors[0]!.reason
  }
  expect(await says('retrying')).toContain('EADDRINUSE')
  other.close()
  expect(await says('running')).toBeUndefined()
  await app.close()
})

it('what a sink sends to a source of another app arrives, each record once, and what that refuses is a dead letter here', async () => {
  const there = await listening({ frames: 'length' }, ({ bytes }) =>
    bytes!.length > 24 ? 'too long for me' : undefined,
  )
  const log = memoryLog()
  const outgoing = topic('outgoing', text())
  const to = tcpSink<string>({ connect: { port: there.port }, frames: 'length', answers: true })
  const app = createApp({
    id: 'app',
    log: log.open(),
    createTopics: true,
    logger: silentLogger,
    sinks: [sink('wire', { from: outgoing, to, batchRecords: 50 })],
  })
  await app.start()
  const values = Array.from({ length: 500 }, (_, n) => (n === 123 ? 'x'.repeat(30) : `value ${n}`))
  await log.open().send(outgoing, values)
  await until(() => app.stats().connectors[0]!.records === 499)
  await app.close()
  await there.close()
  expect(there.texts.sort()).toEqual(values.sort())
  const kept = await readAll(log, letters)
  expect(kept.map(({ value }) => value)).toEqual(['x'.repeat(30)])
})

function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31
    return state / 2 ** 31
  }
}

it('says what it can promise, and health and describe() with it', () => {
  const options = { connect: { port: 1 }, frames: 'line' } as const
  expect(tcpSink({ ...options, answers: true }).delivery).toBe('acknowledged')
  const to = tcpSink(options)
  expect(to.delivery).toBe('volatile')
  const sinks = [sink('lines', { from: topic('lines', text()), to })]
  const app = createApp({ id: 'tcp-promise', sinks, log: memoryLog() })
  expect(app.health().connectors).toMatchObject([{ name: 'lines', guarantee: 'none' }])
  expect(app.describe()).toContain('sink lines: lines → tcp (no guarantee: the target does not say what it has)')
})
