import { z } from 'zod'
import { readAll } from '../../test/reading.js'
import { createApp } from '../app/create-app.js'
import { bytes } from '../codec/codec.js'
import { silentLogger } from '../core/logger.js'
import { memoryLog } from '../memory/memory-log.js'
import { stateObject } from '../model/state-object.js'
import { topic } from '../model/stream.js'
import { testDriver } from '../testing/driver.js'

const orders = topic('orders', z.object({ id: z.string(), n: z.number() }))
const letters = topic('test-dlq', bytes())
const state = z.object({ sum: z.number(), note: z.unknown() })
const init = (): z.infer<typeof state> => ({ sum: 0, note: '' })

describe('a state that is changed when no turn has it', () => {
  it('does not stop the app, and is not kept so', async () => {
    const sum = stateObject('sum', { state, init }).on(
      orders,
      ({ id }) => id,
      (own, { n }) => {
        own.sum += n
        // Nobody awaits it: it comes after the turn, and before the commit.
        if (n === 5) queueMicrotask(() => (own.note = 5n))
      },
    )
    const log = memoryLog({ partitions: 1 })
    const options = { id: 'app', log, createTopics: true, logger: silentLogger }
    const send = (id: string, n: number): Promise<unknown> => log.send(orders, [{ id, n }])
    {
      await using app = createApp({ ...options, objects: [sum] })
      await app.start()
      for (const n of [1, 5, 2]) {
        await log.send(
          orders,
          ['a', 'b'].map((id) => ({ id, n })),
        )
        await app.drained()
      }
    }
    await using app = createApp({ ...options, objects: [sum] })
    await app.start()
    await send('a', 1)
    await app.drained()
    expect(await app.state(sum).get('a')).toEqual({ sum: 9, note: '' })
    expect(await app.state(sum).get('b')).toEqual({ sum: 8, note: '' })
    expect(await readAll(log, topic('app-dlq', bytes()))).toEqual([])
  })
})

describe('an asynchronous turn on a state without a form', () => {
  it('is not what fails: the turn before it is, which left it so', async () => {
    const sum = stateObject('sum', { state, init, checked: false })
      .on(
        orders.filter(({ n }) => n < 10),
        { key: ({ id }) => id, onError: { attempts: 1 } },
        (own, { n }) => {
          own.sum += n
          if (n === 5) own.note = 5n
        },
      )
      .on(
        orders.filter(({ n }) => n >= 10),
        { key: ({ id }) => id, onError: { attempts: 1 } },
        async (own, { n }) => {
          await Promise.resolve()
          own.sum += n
        },
      )
    await using driver = testDriver({ failures: 'expect', objects: [sum], partitions: 1 })
    await driver.send(orders, { id: 'a', n: 10 })
    await driver.sendAll(
      orders,
      [1, 5, 20].map((n) => ({ id: 'a', n })),
    )
    await driver.sendAll(
      orders,
      [1, 20].map((n) => ({ id: 'b', n })),
    )
    expect(driver.state(sum, 'b')).toEqual({ sum: 21, note: '' })
    expect(driver.state(sum, 'a')).toEqual({ sum: 11, note: '' })
    // The turn that left it so, and the one behind it.
    expect(driver.output(letters).map(({ value }) => JSON.parse(Buffer.from(value ?? []).toString()).n)).toEqual([
      5, 20,
    ])
  })
})
