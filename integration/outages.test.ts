import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createApp, kafkaLog, stateObject, topic } from 'millrace'
import { z } from 'zod'
import { systemClock } from '../lib/core/clock.js'
import { silentLogger } from '../lib/core/logger.js'
import { nextName } from './names.js'
import { describeWithKafka } from './setup/with-kafka.js'

const untilSo = async (isSo: () => boolean): Promise<void> => {
  while (!isSo()) await systemClock.sleep(20)
}

describeWithKafka('what a handler asks for being down, on Kafka', (brokers) => {
  it('pauses its input and no other; a restart, and the end of it, lose nothing', async () => {
    const id = nextName('outages')
    const value = z.object({ id: z.string(), n: z.number() })
    const orders = topic(`${id}-orders`, value, { partitions: 3 })
    const payments = topic(`${id}-payments`, value, { partitions: 3 })
    const done = topic(`${id}-done`, value, { partitions: 3 })
    const world = { isDown: true, asked: 0 }
    const order = stateObject('order', {
      state: z.object({ seen: z.array(z.number()) }),
      init: () => ({ seen: [] }),
    }).on(
      orders,
      { key: ({ id: key }) => key, breaker: { after: 3, probe: '100ms' } },
      (state, { id: key, n }, turn) => {
        world.asked++
        if (world.isDown) throw new Error('ECONNREFUSED')
        state.seen.push(n)
        turn.emit(done, { id: key, n })
      },
    )
    const account = stateObject('account', { state: z.object({ n: z.number() }), init: () => ({ n: 0 }) }).on(
      payments,
      ({ id: key }) => key,
      (state) => void state.n++,
    )
    const dataDir = mkdtempSync(join(tmpdir(), 'millrace-outages-'))
    const log = kafkaLog({ brokers })
    const keys = Array.from({ length: 50 }, (_, i) => `k${i}`)
    // By another key than that of the object, so that most of them hop.
    const send = (n: number): Promise<unknown> =>
      log.send(
        orders,
        keys.map((key) => ({ id: key, n })),
        { key: () => 'one source partition' },
      )
    const start = async () => {
      const app = createApp({ id, objects: [order, account], log, dataDir, createTopics: true, logger: silentLogger })
      await app.start()
      return app
    }
    try {
      const first = await start()
      for (const n of [1, 2]) await send(n)
      await untilSo(() => first.health().paused.length === 1)
      await log.send(payments, [{ id: 'a', n: 1 }], { key: () => 'a' })
      while ((await first.state(account).get('a')) === undefined) await systemClock.sleep(20)
      await first.close()

      const second = await start()
      await send(3)
      await untilSo(() => second.health().paused.length === 1)
      await systemClock.sleep(1_000)
      expect(second.health()).toMatchObject({ ready: true, quarantined: 0 })
      expect(second.health().lag).toBeGreaterThan(0)
      expect(world.asked).toBeLessThan(60)
      world.isDown = false
      await second.drained()
      for (const key of keys) await expect(second.state(order).get(key)).resolves.toEqual({ seen: [1, 2, 3] })
      expect(second.stats()).toMatchObject({ paused: 0, deadLetters: 0 })
      await second.close()
    } finally {
      await log[Symbol.asyncDispose]()
      rmSync(dataDir, { recursive: true, force: true })
    }
  }, 60_000)
})
