import { z } from 'zod'
import { Instance } from '../../../test/instances.js'
import { readAll } from '../../../test/reading.js'
import { withAdmin } from '../../../test/with-admin.js'
import { systemClock } from '../../core/clock.js'
import type { LogPort } from '../../log/port.js'
import { memoryLog, type MemoryLog } from '../../memory/memory-log.js'
import { stateObject, type AnyStateObject } from '../../model/state-object.js'
import { topic } from '../../model/stream.js'
import { drained } from '../drain.js'

const orders = topic('orders', z.object({ id: z.string() }))
const payments = topic('payments', z.object({ id: z.string() }))
const alerts = topic('alerts', z.string())
const many = Array.from({ length: 100 }, (_, i) => ({ id: `order ${i}` }))

interface Shape {
  readonly route?: 'auto' | 'shuffle'
  readonly backlog?: 'wait' | 'fire'
  readonly isAsync?: boolean
  readonly fails?: boolean
}

/** Orders that are not paid within 3 s give an alert. */
function order({ route = 'auto', backlog = 'wait', isAsync = false, fails = false }: Shape): AnyStateObject {
  const key = ({ id }: { id: string }): string => id
  const failed = new Set<string>()
  return stateObject('order', { state: z.object({ paid: z.boolean() }), init: () => ({ paid: false }) })
    .timers({ unpaid: z.null() }, { backlog })
    .on(orders, { key, route }, (_state, _order, turn) => turn.timer('unpaid', '3s', null))
    .on(payments, { key, route, onError: { attempts: 5, backoff: 1 } }, (state, { id }) => {
      const pay = (): void => {
        state.paid = true
        if (!fails || failed.has(id)) return
        failed.add(id)
        throw new Error('at first')
      }
      return isAsync ? new Promise<void>((resolve) => setTimeout(resolve, 20)).then(pay) : pay()
    })
    .onTimer('unpaid', ({ paid }, _none, turn) => {
      if (!paid) turn.emit(alerts, turn.key)
    })
}

class World {
  readonly log = memoryLog({ partitions: 4 })
  now = Date.UTC(2026, 0, 1)
  readonly #clock = { ...systemClock, now: () => this.now }

  start(kind: AnyStateObject, wrap: (log: LogPort) => LogPort = (log) => log): Instance {
    return new Instance({ app: 'app', log: this.log, objects: [kind], wrap, engine: { clock: this.#clock } })
  }

  async run(kind: AnyStateObject): Promise<void> {
    const { engine } = this.start(kind)
    await engine.start()
    await drained(engine)
    await engine.stop(5_000)
  }
}

async function alerted(log: MemoryLog): Promise<number> {
  const exists = (await log.admin.describe(['alerts'])).get('alerts') !== undefined
  return exists ? (await readAll(log, alerts)).length : 0
}

describe('timers by the clock, after a downtime', () => {
  it.each<[string, Shape, string | undefined]>([
    ['of records in place', {}, 'id'],
    ['of records that hop', {}, undefined],
    ['of records that always hop', { route: 'shuffle' }, undefined],
    ['of asynchronous turns', { isAsync: true }, undefined],
    ['of turns that fail at first', { fails: true }, undefined],
    ['of asynchronous turns that fail at first', { fails: true, isAsync: true, route: 'shuffle' }, undefined],
  ])('wait until the backlog has been processed: %s', async (_what, shape, key) => {
    const world = new World()
    const placed = key === undefined ? {} : { key: ({ id }: { id: string }) => id }
    await world.log.send(orders, many, placed)
    await world.run(order(shape))
    await world.log.send(payments, many.slice(10), placed)
    world.now += 4_000
    await world.run(order(shape))
    expect((await readAll(world.log, alerts)).map(({ value }) => value).sort()).toEqual(
      many
        .slice(0, 10)
        .map(({ id }) => id)
        .sort(),
    )
  })

  it('wait also for what comes from tasks of another process', async () => {
    const world = new World()
    await world.log.send(orders, many)
    await world.run(order({}))
    await world.log.send(payments, many)
    world.now += 4_000
    const both = [world.start(order({})), world.start(order({ isAsync: true }))]
    await Promise.all(both.map(({ engine }) => engine.start()))
    await Promise.all(both.map(({ engine }) => drained(engine)))
    await Promise.all(both.map(({ engine }) => engine.stop(5_000)))
    expect(await alerted(world.log)).toBe(0)
  })

  it('do not when they are declared to fire all the same', async () => {
    const world = new World()
    await world.log.send(orders, many, { key: ({ id }) => id })
    await world.run(order({ backlog: 'fire' }))
    await world.log.send(payments, many)
    world.now += 4_000
    const instance = world.start(order({ backlog: 'fire', route: 'shuffle' }))
    await instance.engine.start()
    await drained(instance.engine)
    await instance.engine.stop(5_000)
    expect(await alerted(world.log)).toBeGreaterThan(0)
  })

  it('do not wait for what comes later, nor for a turn that fails again and again', async () => {
    const world = new World()
    let broken = true
    const kind = stateObject('order', { state: z.object({}), init: () => ({}) })
      .timers({ unpaid: z.null() })
      .on(
        orders,
        ({ id }) => id,
        (_state, _order, turn) => turn.timer('unpaid', '3s', null),
      )
      .on(payments, { key: ({ id }) => id, onError: { attempts: 1_000, backoff: '1h' } }, () => {
        if (broken) throw new Error('not yet')
      })
      .onTimer('unpaid', (_state, _none, turn) => turn.emit(alerts, turn.key))
    await world.log.send(orders, many, { key: ({ id }) => id })
    await world.run(kind)
    await world.log.send(payments, many.slice(0, 1))
    world.now += 4_000
    await world.run(kind)
    // The timer of the object whose turn waits stands behind that turn.
    expect(await alerted(world.log)).toBe(99)
    broken = false
    world.now += 4_000_000
    await world.run(kind)
    expect(await alerted(world.log)).toBe(100)
  })

  it('hold up no attempt of a turn that failed meanwhile', async () => {
    const world = new World()
    await world.log.send(orders, many, { key: ({ id }) => id })
    await world.run(order({}))
    await world.log.send(payments, many.slice(10), { key: ({ id }) => id })
    world.now += 4_000
    // Where the sources end is not known before it is let through: so long there may be a backlog.
    let letThrough = (): void => undefined
    const known = new Promise<void>((resolve) => (letThrough = resolve))
    const { endOffsets } = world.log.admin
    const slow = (log: LogPort): LogPort =>
      withAdmin(log, {
        endOffsets: async (partitions, isolation) => {
          if (isolation === 'committed' && partitions.some(({ topic: name }) => name === 'orders')) await known
          return endOffsets.call(world.log.admin, partitions, isolation)
        },
      })
    const { engine } = world.start(order({ fails: true }), slow)
    await engine.start()
    // Each payment fails once and is tried again.
    while (engine.stats.turns < 90) {
      world.now += 10
      engine.poke()
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    expect(engine.stats.failed).toBeGreaterThanOrEqual(90)
    expect(await alerted(world.log)).toBe(0)
    letThrough()
    await drained(engine)
    await engine.stop(5_000)
    expect(await alerted(world.log)).toBe(10)
  })

  it('delete no object by its time to live before a record in the backlog has touched it', async () => {
    const world = new World()
    const counts = topic('counts', z.number())
    const visits = stateObject('visits', { state: z.object({ n: z.number() }), init: () => ({ n: 0 }), ttl: '1h' })
      .on(
        orders,
        ({ id }) => id,
        (state) => void state.n++,
      )
      .publish(counts, ({ n }) => n)
    await world.log.send(orders, many.slice(0, 1))
    await world.run(visits)
    await world.log.send(orders, many.slice(0, 1))
    world.now += 4_000_000
    await world.run(visits)
    expect((await readAll(world.log, counts)).map(({ value }) => value)).toEqual([1, 2])
  })
})
