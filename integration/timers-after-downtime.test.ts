import { createApp, kafkaLog, stateObject, text, topic, type App, type StateObject } from 'millrace'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { nextName } from './names.js'
import { describeWithKafka } from './setup/with-kafka.js'

const orders = 200
const unpaid = 20

describeWithKafka('an app that was down while its timers came due', (brokers) => {
  it.each(['one process', 'two processes'] as const)(
    'alerts of what was not paid, and of nothing else: %s',
    async (how) => {
      await using log = kafkaLog({ brokers })
      const id = nextName('downtime')
      const placed = topic(`${id}-orders`, z.object({ id: z.string() }), { partitions: 4 })
      const paid = topic(`${id}-payments`, z.object({ id: z.string() }), { partitions: 4 })
      const alerts = topic(`${id}-alerts`, text(), { partitions: 4 })
      const folder = mkdtempSync(join(tmpdir(), 'millrace-downtime-'))
      const order: StateObject = stateObject('order', {
        state: z.object({ paid: z.boolean() }),
        init: () => ({ paid: false }),
      })
        .timers({ due: z.null() })
        .on(
          placed,
          (each) => each.id,
          (_state, _order, turn) => turn.timer('due', '3s', null),
        )
        .on(
          paid,
          (each) => each.id,
          (state, _payment, turn) => {
            state.paid = true
            turn.cancel('due')
          },
        )
        .onTimer('due', (_state, _none, turn) => turn.emit(alerts, turn.key))
      const start = async (): Promise<App> => {
        const app = createApp({ id, objects: [order], kafka: { brokers }, dataDir: folder, createTopics: true })
        app.closed().catch(() => undefined)
        await app.start()
        return app
      }
      const all = Array.from({ length: orders }, (_, i) => ({ id: `order ${i}` }))

      // Records without a key: nearly all of them hop to the task of their order.
      const before = await start()
      await log.send(placed, all)
      await before.drained()
      await before.close()
      await log.send(paid, all.slice(unpaid))
      await new Promise((resolve) => setTimeout(resolve, 4_000))
      const after = await Promise.all(how === 'one process' ? [start()] : [start(), start()])
      for (const app of after) await app.drained()
      const found: (string | null)[] = []
      while (found.length < unpaid) {
        found.length = 0
        for await (const { value } of log.read(alerts)) found.push(value)
      }
      for (const app of after) await app.close()
      rmSync(folder, { recursive: true, force: true })
      expect(found.sort()).toEqual(
        all
          .slice(0, unpaid)
          .map((each) => each.id)
          .sort(),
      )
    },
    90_000,
  )
})
