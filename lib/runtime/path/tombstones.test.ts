import { z } from 'zod'
import { stateObject } from '../../model/state-object.js'
import { topic } from '../../model/stream.js'
import { testDriver, type TestDriver } from '../../testing/driver.js'

const customers = topic('customers', z.object({ name: z.string() }))
const addresses = topic('addresses', z.object({ city: z.string() }))
const views = topic('views', z.object({ name: z.string(), city: z.string() }))
const copies = topic('copies', z.object({ name: z.string() }))

/** Both tables by the keys of their records. */
function view(failing: Set<string>) {
  return stateObject('view', {
    state: z.object({ name: z.string().nullable(), city: z.string().nullable() }),
    init: () => ({ name: null, city: null }),
  })
    .on(
      customers.withTombstones(),
      { key: (_row, { key }) => key, onError: { backoff: '1s' } },
      (state, row, { key }) => {
        if (failing.has(key)) throw new Error('not now')
        state.name = row?.name ?? null
      },
    )
    .on(
      addresses.withTombstones(),
      (_row, { key }) => key,
      (state, row, turn) => {
        state.city = row?.city ?? null
        if (state.name === null && state.city === null) turn.delete()
      },
    )
    .publish(views, ({ name, city }) => (name === null || city === null ? null : { name, city }))
}

const rows = (driver: TestDriver, key: string): unknown[] =>
  driver.output(views).flatMap((record) => (record.key === key ? [record.value] : []))

describe('records without a value, in a topic that is read with its tombstones', () => {
  it('have their turns, in place and after a hop', async () => {
    const kind = view(new Set())
    await using driver = testDriver({ objects: [kind] })
    for (let i = 0; i < 20; i++) {
      const key = `c${i}`
      await driver.send(customers, { name: key }, { key })
      await driver.send(addresses, { city: 'Here' }, { key })
      await driver.send(customers, null, { key })
      expect(rows(driver, key)).toEqual([null, { name: key, city: 'Here' }, null])
      expect(driver.state(kind, key)).toEqual({ name: null, city: 'Here' })
      await driver.send(addresses, null, { key })
      expect(driver.state(kind, key)).toBeUndefined()
    }
  })

  it('hop as what they are', async () => {
    const all = stateObject('all', { state: z.object({ gone: z.array(z.string()) }), init: () => ({ gone: [] }) }).on(
      customers.withTombstones(),
      { key: () => 'all', route: 'shuffle' },
      (state, row, turn) => {
        if (row === null) state.gone.push(turn.record.key ?? '')
      },
    )
    await using driver = testDriver({ objects: [all] })
    await driver.send(customers, { name: 'ann' }, { key: 'a' })
    await driver.send(customers, null, { key: 'a' })
    expect(driver.state(all, 'all')).toEqual({ gone: ['a'] })
  })

  it('wait for their turn behind one that failed', async () => {
    const failing = new Set(['a'])
    const kind = view(failing)
    await using driver = testDriver({ failures: 'expect', objects: [kind] })
    await driver.send(addresses, { city: 'Here' }, { key: 'a' })
    await driver.send(customers, { name: 'ann' }, { key: 'a' })
    await driver.send(customers, null, { key: 'a' })
    failing.clear()
    await driver.advance('1s')
    expect(driver.state(kind, 'a')).toEqual({ name: null, city: 'Here' })
  })

  it('go through flows', async () => {
    await using driver = testDriver({ flows: [customers.withTombstones().to(copies)] })
    await driver.send(customers, { name: 'ann' }, { key: 'a' })
    await driver.send(customers, null, { key: 'a' })
    expect(driver.output(copies).map(({ key, value }) => [key, value])).toEqual([
      ['a', { name: 'ann' }],
      ['a', null],
    ])
  })
})
