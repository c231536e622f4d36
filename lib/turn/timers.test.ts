import { z } from 'zod'
import { stateObject } from '../model/state-object.js'
import { topic } from '../model/stream.js'
import { testDriver, type TestDriver } from '../testing/driver.js'

const visits = topic('visits', z.object({ user: z.string(), at: z.number().optional() }))
const reminders = topic('reminders', z.object({ user: z.string(), text: z.string(), now: z.number() }))

const user = stateObject('user', { state: z.object({ visits: z.number() }), init: () => ({ visits: 0 }) })
  .timers({ remind: z.object({ text: z.string() }) })
  .on(
    visits,
    (visit) => visit.user,
    (state, _visit, turn) => {
      state.visits++
      turn.timer('remind', '1h', { text: `after ${state.visits}` })
    },
  )
  .onTimer('remind', (_state, { text }, turn) => {
    turn.emit(reminders, { user: turn.key, text, now: turn.now })
  })

const texts = (driver: TestDriver): string[] =>
  driver.output(reminders).map(({ value }) => `${value?.user} ${value?.text}`)
const visit = (driver: TestDriver, name: string): Promise<void> => driver.send(visits, { user: name })

describe('timers', () => {
  it('fire once, when they are due, with what they carry', async () => {
    await using driver = testDriver({ objects: [user] })
    await visit(driver, 'ann')
    await driver.advance('59m')
    expect(texts(driver)).toEqual([])
    await driver.advance('1m')
    expect(texts(driver)).toEqual(['ann after 1'])
    await driver.advance('10h')
    expect(texts(driver)).toEqual(['ann after 1'])
  })

  it('are set anew by setting them again', async () => {
    await using driver = testDriver({ objects: [user] })
    await visit(driver, 'ann')
    await driver.advance('30m')
    await visit(driver, 'ann')
    await driver.advance('30m')
    expect(texts(driver)).toEqual([])
    await driver.advance('30m')
    expect(texts(driver)).toEqual(['ann after 2'])
  })

  it.each(['turn', 'before-end', 'after-end', 'before-store'] as const)(
    'fire once through a crash at %s, on the disk that is left and on an empty one',
    async (step) => {
      await using driver = testDriver({ objects: [user] })
      for (const name of ['ann', 'bob', 'cid']) await visit(driver, name)
      await driver.crash(step)
      await driver.advance('1h')
      driver.loseDisk()
      await driver.crash()
      await driver.advance('1h')
      expect(texts(driver).sort()).toEqual(['ann after 1', 'bob after 1', 'cid after 1'])
      expect(driver.crashes).toBe(2)
    },
  )

  it('that set themselves again keep their pace when the clock leaps', async () => {
    const ticking = stateObject('ticking', { state: z.object({ n: z.number() }), init: () => ({ n: 0 }) })
      .timers({ tick: z.null() })
      .on(
        visits,
        (each) => each.user,
        (_state, _visit, turn) => turn.timer('tick', '1m', null),
      )
      .onTimer('tick', (state, _payload, turn) => {
        state.n++
        turn.timer('tick', '1m', null)
      })
    await using driver = testDriver({ objects: [ticking] })
    await visit(driver, 'ann')
    await driver.advance('1h')
    expect(driver.state(ticking, 'ann')).toEqual({ n: 60 })
  })

  it('are taken back by cancel, and by deleting the object', async () => {
    const orders = topic('orders', z.object({ id: z.string(), what: z.enum(['open', 'cancel', 'delete']) }))
    const fired = topic('fired', z.string())
    const order = stateObject('order', { state: z.object({}), init: () => ({}) })
      .timers({ late: z.string() })
      .on(
        orders,
        ({ id }) => id,
        (_state, { what }, turn) => {
          if (what === 'open') turn.timer('late', '1m', turn.key)
          else if (what === 'cancel') turn.cancel('late')
          else turn.delete()
        },
      )
      .onTimer('late', (_state, id, turn) => turn.emit(fired, id))
    await using driver = testDriver({ objects: [order] })
    for (const id of ['a', 'b', 'c']) await driver.send(orders, { id, what: 'open' })
    await driver.send(orders, { id: 'a', what: 'cancel' })
    await driver.send(orders, { id: 'b', what: 'delete' })
    await driver.advance('5m')
    expect(driver.output(fired).map(({ value }) => value)).toEqual(['c'])
  })

  it('go by event time when they are declared so', async () => {
    const timed = stateObject('timed', { state: z.object({}), init: () => ({}) })
      .timers({ quiet: z.null() }, { time: 'event' })
      .on(
        visits,
        (each) => each.user,
        (_state, _visit, turn) => turn.timer('quiet', '10s', null),
      )
      .onTimer('quiet', (_state, _payload, turn) =>
        turn.emit(reminders, { user: turn.key, text: 'quiet', now: turn.now }),
      )
    await using driver = testDriver({ objects: [timed], partitions: 1 })
    await driver.send(visits, { user: 'ann' }, { timestamp: 1_000_000 })
    await driver.advance('1h')
    expect(driver.output(reminders)).toEqual([])
    await driver.send(visits, { user: 'bob' }, { timestamp: 1_009_999 })
    expect(driver.output(reminders)).toEqual([])
    await driver.send(visits, { user: 'bob' }, { timestamp: 1_010_000 })
    expect(driver.output(reminders).map(({ value }) => value)).toEqual([{ user: 'ann', text: 'quiet', now: 1_010_000 }])
  })

  it('refuse names that were not declared, and payloads that do not fit', () => {
    expect(() =>
      stateObject('x', { state: z.null(), init: () => null }).onTimer('a' as never, () => undefined),
    ).toThrow(/declare it/)
    expect(() => user.timers({ remind: z.null() })).toThrow(/declared twice/)
  })
})

describe('objects with a time to live', () => {
  const session = stateObject('session', { state: z.object({ n: z.number() }), init: () => ({ n: 0 }), ttl: '1h' }).on(
    visits,
    (each) => each.user,
    (state) => {
      state.n++
    },
  )

  it('are gone when untouched for so long, at the latest a tenth of it later', async () => {
    await using driver = testDriver({ objects: [session] })
    await visit(driver, 'ann')
    await driver.advance('59m')
    await visit(driver, 'ann')
    await driver.advance('59m')
    expect(driver.state(session, 'ann')).toEqual({ n: 2 })
    await driver.advance('7m')
    expect(driver.state(session, 'ann')).toBeUndefined()
    await visit(driver, 'ann')
    expect(driver.state(session, 'ann')).toEqual({ n: 1 })
  })

  it('expire after a restart with an empty disk', async () => {
    await using driver = testDriver({ objects: [session] })
    for (let i = 0; i < 20; i++) await visit(driver, `user ${i}`)
    driver.loseDisk()
    await driver.crash()
    await driver.advance('2h')
    for (let i = 0; i < 20; i++) expect(driver.state(session, `user ${i}`)).toBeUndefined()
  })
})
