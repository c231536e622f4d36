import { z } from 'zod'
import { stateObject } from '../../model/state-object.js'
import { topic } from '../../model/stream.js'
import type { Turn } from '../../model/turn.js'
import { testDriver } from '../../testing/driver.js'

const orders = topic('orders', z.object({ id: z.string() }))
const out = topic('out', z.object({ id: z.string(), at: z.number() }))
const order = (handler: (state: { n: number }, turn: Turn) => void | Promise<void>) =>
  stateObject('order', { state: z.object({ n: z.number() }), init: () => ({ n: 0 }) }).on(
    orders,
    ({ id }) => id,
    (state, _order, turn) => handler(state, turn),
  )

const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
let calls = 0

describe("replay: 'every-record'", () => {
  it.each([
    [
      'sync',
      (state: { n: number }, turn: Turn) => {
        state.n++
        turn.emit(out, { id: turn.key, at: turn.now })
      },
    ],
    [
      'async',
      async (state: { n: number }, turn: Turn) => {
        await tick()
        state.n++
        turn.emit(out, { id: turn.key, at: turn.now })
      },
    ],
  ])('lets a deterministic handler pass, and counts once: %s', async (_name, handler) => {
    const kind = order(handler)
    await using driver = testDriver({ objects: [kind], replay: 'every-record' })
    for (let i = 0; i < 10; i++) await driver.send(orders, { id: 'a' })
    expect(driver.state(kind, 'a')).toEqual({ n: 10 })
    expect(driver.output(out)).toHaveLength(10)
  })

  it.each([
    ['state', (state: { n: number }) => void (state.n += calls++)],
    ['emits', (_state: { n: number }, turn: Turn) => turn.emit(out, { id: turn.key, at: calls++ })],
    [
      'emits',
      async (_state: { n: number }, turn: Turn) => {
        await tick()
        turn.emit(out, { id: turn.key, at: calls++ })
      },
    ],
    [
      'error',
      () => {
        if (calls++ % 2 === 0) throw new Error('only sometimes')
      },
    ],
  ])('finds one that is not: different %s', async (what, handler) => {
    calls = 0
    const driver = testDriver({ objects: [order(handler)], replay: 'every-record' })
    await expect(driver.send(orders, { id: 'a' })).rejects.toMatchObject({
      code: 'NOT_DETERMINISTIC',
      message: expect.stringContaining(`different ${what}`),
      key: 'a',
    })
    await driver[Symbol.asyncDispose]()
  })
})
