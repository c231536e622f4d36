import { z } from 'zod'
import { bytes } from '../codec/codec.js'
import { systemClock } from '../core/clock.js'
import { memoryLog } from '../memory/memory-log.js'
import { stateObject } from '../model/state-object.js'
import { topic } from '../model/stream.js'
import { testDriver } from '../testing/driver.js'
import { Instance } from '../../test/instances.js'
import { readAll } from '../../test/reading.js'
import { drained } from './drain.js'

const orders = topic('orders', z.object({ id: z.string(), n: z.number() }))
const done = topic('done', z.object({ id: z.string(), n: z.number() }))
const large = topic('large', bytes())
const small = topic('small', z.string())

async function until(what: string, isSo: () => boolean): Promise<void> {
  for (let look = 0; look < 2_000; look++) {
    if (isSo()) return
    await systemClock.sleep(5)
  }
  throw new Error(`not ${what} within ten seconds`)
}

describe('an input that pauses', () => {
  it('in one process after the other loses nothing and keeps order, by the clock of the system', async () => {
    const world = { isDown: true, asked: 0 }
    const kind = stateObject('order', { state: z.object({ last: z.number() }), init: () => ({ last: -1 }) }).on(
      orders,
      { key: ({ id }) => id, breaker: { after: 5, probe: '20ms' } },
      async (state, { id, n }, turn) => {
        world.asked++
        await Promise.resolve()
        if (world.isDown) throw new Error('ECONNREFUSED')
        if (n !== state.last + 1) throw new Error(`${id}: ${n} after ${state.last}`)
        state.last = n
        turn.emit(done, { id, n })
      },
    )
    const ids = Array.from({ length: 200 }, (_, i) => `o${i}`)
    await using log = memoryLog({ partitions: 4 })
    const send = (...numbers: number[]): Promise<unknown> =>
      log.send(
        orders,
        numbers.flatMap((n) => ids.map((id) => ({ id, n }))),
        { key: ({ id }) => id },
      )
    await send(0)
    const first = new Instance({ app: 'shop', log, objects: [kind] })
    const second = new Instance({ app: 'shop', log, objects: [kind] })
    await first.engine.start()
    await until('paused', () => first.engine.health.paused.length === 1)
    expect(first.engine.health).toMatchObject({
      ready: true,
      paused: [{ kind: 'order', input: 'orders#0', objects: 5, reason: expect.stringContaining('ECONNREFUSED') }],
    })
    await send(1, 2)
    await second.engine.start()
    await until('paused in both', () => second.engine.health.paused.length === 1)
    await first.life.die()
    await until('paused with all of it', () => second.engine.health.lag > 0 && world.asked > 30)
    // Those that were under way, and one now and then: fewer than there are records.
    expect(world.asked).toBeLessThan(3 * ids.length)
    await send(3)
    world.isDown = false
    await drained(second.engine)
    await until('done', () => second.engine.health.paused.length === 0)
    await drained(second.engine)
    const found = new Map<string, number[]>()
    for (const { value } of await readAll(log, done)) found.set(value!.id, [...(found.get(value!.id) ?? []), value!.n])
    expect([...found.keys()].sort()).toEqual([...ids].sort())
    for (const numbers of found.values()) expect(numbers).toEqual([0, 1, 2, 3])
    expect(second.failure).toBeUndefined()
    expect(second.engine.stats.deadLetters).toBe(0)
    await second.engine.stop(1_000)
  })

  it('holds up no other, however much of it waits', async () => {
    const world = { isDown: true }
    const kind = stateObject('blob', { state: z.object({ n: z.number() }), init: () => ({ n: 0 }) }).on(
      large,
      { key: (value) => String(value[0]), breaker: { after: 2 } },
      (state) => {
        if (world.isDown) throw new Error('down')
        state.n++
      },
    )
    const count = stateObject('count', { state: z.object({ n: z.number() }), init: () => ({ n: 0 }) }).on(
      small,
      (key) => key,
      (state) => void state.n++,
    )
    await using driver = testDriver({ objects: [kind, count], failures: 'expect', partitions: 1 })
    // More than may be fetched and not processed.
    for (let i = 0; i < 40; i++) await driver.send(large, Buffer.alloc(800_000, i))
    await driver.send(small, 'x')
    expect(driver.state(count, 'x')).toEqual({ n: 1 })
    expect(driver.stats().paused).toBe(1)
    world.isDown = false
    await driver.advance('20s')
    for (let i = 0; i < 40; i++) expect(driver.state(kind, String(i))).toEqual({ n: 1 })
  })
})
