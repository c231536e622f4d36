import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createApp, kafkaLog, replayDeadLetters, session, stateObject, topic, tumbling, type App } from 'millrace'
import { z } from 'zod'
import { asPort } from '../lib/app/logs.js'
import { silentLogger } from '../lib/core/logger.js'
import { nextName } from './names.js'
import { describeWithKafka } from './setup/with-kafka.js'

describeWithKafka('dead letters on Kafka', (brokers) => {
  it('are replayed once, in order, while the app runs and while it does not', async () => {
    const id = nextName('replay')
    const orders = topic(`${id}-orders`, z.object({ id: z.string(), n: z.number() }), { partitions: 3 })
    const done = topic(`${id}-done`, z.object({ id: z.string(), n: z.number() }), { partitions: 3 })
    const isBad = { now: true }
    const order = stateObject('order', { state: z.object({ last: z.number() }), init: () => ({ last: 0 }) }).on(
      orders,
      { key: ({ id: key }) => key, onError: { attempts: 2, backoff: 10 } },
      (state, value, turn) => {
        state.last = value.n
        turn.emit(done, value)
        if (isBad.now && value.n === 2) throw new Error('not yet')
      },
    )
    const dataDir = mkdtempSync(join(tmpdir(), 'millrace-replay-'))
    const log = kafkaLog({ brokers })
    const options = { id, objects: [order], log, dataDir, createTopics: true, logger: silentLogger }
    const keys = ['a', 'b', 'c', 'd', 'e']
    const send = (...numbers: number[]): Promise<unknown> =>
      log.send(
        orders,
        numbers.flatMap((n) => keys.map((key) => ({ id: key, n }))),
        { key: (value) => value.id },
      )
    const outputs = async (): Promise<Map<string, number[]>> => {
      const found = new Map<string, number[]>()
      for await (const { value } of log.read(done)) found.set(value!.id, [...(found.get(value!.id) ?? []), value!.n])
      return found
    }
    const all = (numbers: number[]): Map<string, number[]> => new Map(keys.map((key) => [key, numbers]))
    try {
      const app = createApp(options)
      await app.start()
      await send(1, 2, 3)
      await app.drained()
      while (app.stats().deadLetters < 2 * keys.length) await app.drained()
      await app.drained()
      isBad.now = false
      expect(await replayDeadLetters({ id, kafka: { brokers: [...brokers] } })).toMatchObject({
        replayed: 10,
        objects: 5,
        left: [],
      })
      await app.drained()
      expect(new Map([...(await outputs())].sort())).toEqual(all([1, 2, 3]))

      isBad.now = true
      await send(2, 5)
      await app.drained()
      while (app.stats().deadLetters < 4 * keys.length) await app.drained()
      await app.close()
      isBad.now = false
      expect(await replayDeadLetters({ id, log })).toMatchObject({ replayed: 10, objects: 5, left: [] })
      expect(await replayDeadLetters({ id, log })).toMatchObject({ replayed: 0, objects: 0, left: [] })
      const again = createApp(options)
      await again.start()
      await again.drained()
      expect(new Map([...(await outputs())].sort())).toEqual(all([1, 2, 3, 2, 5]))
      for (const key of keys) expect(await again.state(order).get(key)).toEqual({ last: 5 })
      await again.close()
    } finally {
      await log[Symbol.asyncDispose]()
      rmSync(dataDir, { recursive: true, force: true })
    }
  }, 120_000)

  it.each(['tumbling', 'session'] as const)(
    'are replayed into windows that stay open for them: %s',
    async (what) => {
      const id = nextName('windows')
      const calls = topic(`${id}-calls`, z.object({ key: z.string(), at: z.number(), n: z.number() }), {
        partitions: 3,
        timestamp: ({ at }) => at,
      })
      const totals = topic(`${id}-totals`, z.string(), { partitions: 3 })
      const isBad = { now: true }
      const merge = (a: { ns: number[] }, b: { ns: number[] }): { ns: number[] } => ({ ns: [...a.ns, ...b.ns] })
      const kind = stateObject('minute', {
        state: z.object({ ns: z.array(z.number()) }),
        init: () => ({ ns: [] as number[] }),
        window: what === 'tumbling' ? tumbling('1m') : session<{ ns: number[] }>('1m', { merge }),
      })
        .on(calls, { key: ({ key }) => key, onError: { attempts: 1 } }, ({ ns }, { key, n }) => {
          if (isBad.now && key < 'c' && n === 2) throw new Error('not yet')
          ns.push(n)
        })
        .onClose(({ ns }, turn) => turn.emit(totals, `${turn.key} ${[...ns].sort().join('+')}`))
      const log = kafkaLog({ brokers })
      const options = { id, objects: [kind], log, createTopics: true, logger: silentLogger }
      const keys = ['a', 'b', 'c', 'd', 'e']
      const start = Math.floor(Date.now() / 60_000) * 60_000 - 3_600_000
      const send = (n: number, at: number): Promise<unknown> =>
        log.send(
          calls,
          keys.map((key) => ({ key, n, at })),
          // Through any partition, so that records hop.
          { key: () => null },
        )
      const outputs = async (): Promise<readonly string[]> => {
        const found: string[] = []
        // It is made when something is emitted to it.
        if (!(await asPort(log).admin.describe([totals.name])).has(totals.name)) return found
        for await (const { value } of log.read(totals)) found.push(value!)
        return found.sort()
      }
      const until = async (app: App, wanted: number): Promise<readonly string[]> => {
        for (;;) {
          await app.drained()
          const found = await outputs()
          if (found.length >= wanted) return found
        }
      }
      try {
        // Else it is made when something is first emitted to it.
        await asPort(log).admin.create([{ name: totals.name, partitions: 3, replicationFactor: -1, configs: {} }])
        const app = createApp(options)
        await app.start()
        for (const n of [1, 2, 3]) await send(n, start + n)
        await app.drained()
        await send(4, start + 600_000)
        expect(await until(app, 3)).toEqual(['c 1+2+3', 'd 1+2+3', 'e 1+2+3'])
        await app.close()
        isBad.now = false
        expect(await replayDeadLetters({ id, log })).toMatchObject({ objects: 2, left: [] })
        const again = createApp(options)
        await again.start()
        expect(await until(again, 5)).toEqual(keys.map((key) => `${key} 1+2+3`))
        await again.close()
      } finally {
        await log[Symbol.asyncDispose]()
      }
    },
    120_000,
  )
})
