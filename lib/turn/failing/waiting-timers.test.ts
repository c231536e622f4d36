import { z } from 'zod'
import { Instance } from '../../../test/instances.js'
import { readAll } from '../../../test/reading.js'
import { systemClock } from '../../core/clock.js'
import { memoryLog } from '../../memory/memory-log.js'
import { stateObject, type StateObject } from '../../model/state-object.js'
import { topic } from '../../model/stream.js'
import type { Turn } from '../../model/turn.js'
import { drained } from '../../runtime/drain.js'
import { testDriver, type TestDriver } from '../../testing/driver.js'

const acts = [
  'nothing',
  'cancels it',
  'moves it',
  'moves it to a time that has passed',
  'sets it anew for the same time',
  'deletes the object',
] as const
const orders = topic('orders', z.object({ id: z.string() }))
const payments = topic('payments', z.object({ id: z.string(), act: z.enum(acts) }))
const fired = topic('fired', z.string())
const start = Date.UTC(2026, 0, 1)
const dueAt = start + 60_000

interface World {
  broken: boolean
  /** So often a payment that does nothing fails, when nothing is broken. */
  stumbles?: number
  readonly attempts: number
  readonly isAsync: boolean
}

const wake = { due: z.string() }
type Order = StateObject<'order', { n: number }, { due: string }, {}, undefined>

/** An order whose payment fails as long as the world is broken, and then does something about the timer. */
function order(world: World): Order {
  const pay = (act: (typeof acts)[number], turn: Turn<{ due: string }>): void => {
    if (world.broken) throw new Error('not yet')
    if (act === 'nothing' && world.stumbles !== undefined && world.stumbles > 0) {
      world.stumbles--
      throw new Error('once more')
    }
    if (act === 'cancels it') turn.cancel('due')
    if (act === 'moves it') turn.timer('due', new Date(dueAt + 3_600_000), 'moved')
    if (act === 'moves it to a time that has passed') turn.timer('due', new Date(dueAt - 30_000), 'passed')
    if (act === 'sets it anew for the same time') turn.timer('due', new Date(dueAt), 'anew'.repeat(100))
    if (act === 'deletes the object') turn.delete()
  }
  return stateObject('order', { state: z.object({ n: z.number() }), init: () => ({ n: 0 }) })
    .timers(wake)
    .on(
      orders,
      ({ id }) => id,
      (_state, _order, turn) => turn.timer('due', new Date(dueAt), 'set'.repeat(100)),
    )
    .on(
      payments,
      { key: ({ id }) => id, onError: { attempts: world.attempts, backoff: '40s' } },
      (_state, { act }, turn) => {
        if (!world.isAsync) return pay(act, turn)
        return new Promise<void>((resolve) => setImmediate(resolve)).then(() => pay(act, turn))
      },
    )
    .onTimer('due', (state, what, turn) => {
      state.n++
      turn.emit(fired, what)
    })
}

const texts = (driver: TestDriver): unknown[] => driver.output(fired).map(({ value }) => value)
const cases = acts.flatMap((act) => [true, false].flatMap((isAsync) => [{ act, isAsync }]))

/** What comes of the timer in the end, and at once. */
const outcomes: Partial<Record<(typeof acts)[number], string>> = {
  nothing: 'set'.repeat(100),
  'moves it to a time that has passed': 'passed',
  'sets it anew for the same time': 'anew'.repeat(100),
}
const outcome = (act: (typeof acts)[number]): readonly string[] => [outcomes[act] ?? []].flat()

describe('a timer that is due while a turn of its object waits', () => {
  it.each(cases)('is what that turn makes of it: it $act (async: $isAsync)', async ({ act, isAsync }) => {
    for (const crash of [undefined, 'before-end', 'after-end', 'disk'] as const) {
      const world = { broken: true, attempts: 5, isAsync }
      const kind = order(world)
      await using driver = testDriver({ failures: 'expect', objects: [kind], partitions: 1, now: start })
      await driver.send(orders, { id: 'a' })
      await driver.send(payments, { id: 'a', act })
      // It is tried again after 40 s, and 80 s after that; the timer is due in between.
      await driver.advance('40s')
      await driver.advance('20s')
      expect(texts(driver)).toEqual([])
      world.broken = false
      if (crash === 'disk') driver.loseDisk()
      if (crash !== undefined) await driver.crash(crash === 'disk' ? undefined : crash)
      await driver.advance('60s')
      expect(texts(driver)).toEqual(outcome(act))
      expect(driver.state(kind, 'a') === undefined).toBe(act === 'deletes the object')
      await driver.advance('2h')
      expect(texts(driver)).toEqual(act === 'moves it' ? ['moved'] : outcome(act))
      expect(driver.state(kind, 'a') === undefined).toBe(act === 'deletes the object')
    }
  })

  it.each(cases)('follows it to the dead letters and back: it $act (async: $isAsync)', async ({ act, isAsync }) => {
    const world = { broken: true, attempts: 1, isAsync }
    const kind = order(world)
    await using driver = testDriver({ failures: 'expect', objects: [kind], partitions: 1, now: start })
    await driver.send(orders, { id: 'a' })
    await driver.send(payments, { id: 'a', act })
    await driver.advance('61s')
    expect(texts(driver)).toEqual([])
    world.broken = false
    await driver.crash()
    expect(await driver.replayDeadLetters()).toMatchObject({ replayed: 2, left: [] })
    expect(texts(driver)).toEqual(outcome(act))
    await driver.advance('2h')
    expect(texts(driver)).toEqual(act === 'moves it' ? ['moved'] : outcome(act))
    expect(driver.state(kind, 'a') === undefined).toBe(act === 'deletes the object')
    // The object is free.
    await driver.send(payments, { id: 'a', act: 'nothing' })
    expect(driver.state(kind, 'a')).toBeDefined()
  })

  it('is another one when an earlier letter has set it anew, also where its own letter waits', async () => {
    const world: World = { broken: true, attempts: 2, isAsync: false }
    const kind = order(world)
    await using driver = testDriver({ failures: 'expect', objects: [kind], partitions: 1, now: start })
    await driver.send(orders, { id: 'a' })
    await driver.send(payments, { id: 'a', act: 'moves it to a time that has passed' })
    await driver.advance('50s')
    await driver.send(payments, { id: 'a', act: 'nothing' })
    await driver.advance('2h')
    expect(driver.deadLetters()).toHaveLength(3)
    world.broken = false
    // The letter of the timer comes last and waits behind this one, and what is set anew is due at once.
    // Its first failure is done again, since the letter before it has changed the object in the same commit.
    world.stumbles = 2
    await driver.replayDeadLetters()
    await driver.advance('2h')
    expect(texts(driver)).toEqual(['passed'])
    expect(driver.state(kind, 'a')).toEqual({ n: 1 })
  })

  it('is not tried when it was taken back by a turn that it waited behind, also one under way', async () => {
    let now = start
    let attempts = 0
    let began = (): void => undefined
    let release = (): void => undefined
    const underWay = new Promise<void>((resolve) => (began = resolve))
    const kind = stateObject('order', { state: z.object({}), init: () => ({}) })
      .timers(wake)
      .on(
        orders,
        ({ id }) => id,
        (_state, _order, turn) => turn.timer('due', '10s', 'set'),
      )
      .on(
        payments,
        { key: ({ id }) => id, onError: { attempts: 2, backoff: '1s' } },
        async (_state, _payment, turn) => {
          if (++attempts === 1) {
            began()
            await new Promise<void>((resolve) => (release = resolve))
            // The timer is behind it by now, and its second attempt cancels.
            throw new Error('once')
          }
          turn.cancel('due')
        },
      )
      .onTimer('due', (_state, what, turn) => turn.emit(fired, what))
    const log = memoryLog({ partitions: 1 })
    await log.admin.create([{ name: fired.name, partitions: 1, replicationFactor: -1, configs: {} }])
    const clock = { ...systemClock, now: () => now }
    const { engine } = new Instance({ app: 'app', log, objects: [kind], engine: { clock } })
    await log.send(orders, [{ id: 'a' }])
    await engine.start()
    await drained(engine)
    await log.send(payments, [{ id: 'a', act: 'nothing' }])
    await underWay
    now += 20_000
    engine.poke()
    for (let i = 0; i < 20; i++) await new Promise((resolve) => setTimeout(resolve, 2))
    release()
    await drained(engine)
    now += 20_000
    await drained(engine)
    await engine.stop(1_000)
    expect(attempts).toBe(2)
    expect(await readAll(log, fired)).toEqual([])
  })
})
