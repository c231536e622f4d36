import { z } from 'zod'
import { bytes, text } from '../codec/codec.js'
import { listeningLogger } from '../../test/reading.js'
import { partitionOfKey } from '../log/murmur2.js'
import { lookup } from '../model/lookup.js'
import { stateObject } from '../model/state-object.js'
import { topic } from '../model/stream.js'
import { testDriver, type TestDriver, type TestDriverOptions } from './driver.js'

const customer = z.object({ name: z.string(), tags: z.array(z.string()).default([]) })
const customersTopic = topic('customers', customer)
/** The same topic, for values that its schema refuses. */
const rawCustomers = topic('customers', text())
const customers = lookup(customersTopic)
const orders = topic('orders', z.object({ id: z.string(), customer: z.string() }))
const greetings = topic('greetings', text())
// oxlint-disable-next-line unicorn/no-thenable
const onError = { attempts: 1, then: 'stop' } as const

const order = stateObject('order', { state: z.object({}), init: () => ({}) }).on(
  orders,
  { key: ({ id }) => id, onError },
  (_state, { customer: key }, turn) => turn.emit(greetings, turn.lookup(customers, key)?.name ?? `no ${key}`),
)

const withCustomers = (options: TestDriverOptions = {}): TestDriver =>
  testDriver({ failures: 'expect', objects: [order], lookups: [customers], ...options })

let ids = 0
/** What an order of this customer, sent now, comes to. */
async function greet(driver: TestDriver, key: string): Promise<string | null | undefined> {
  await driver.send(orders, { id: String(++ids), customer: key })
  return driver.output(greetings).findLast(({ key: id }) => id === String(ids))?.value
}

const put = (driver: TestDriver, key: string, name: string): Promise<void> =>
  driver.send(customersTopic, { name, tags: [] }, { key })

describe('a lookup table', () => {
  it('gives the latest row of a key to whatever object asks, and none for a key that it does not have', async () => {
    await using driver = withCustomers()
    await put(driver, 'c1', 'Ada')
    expect([await greet(driver, 'c1'), await greet(driver, 'c2')]).toEqual(['Ada', 'no c2'])
    await put(driver, 'c1', 'Ada Lovelace')
    expect(await greet(driver, 'c1')).toBe('Ada Lovelace')
  })

  it('forgets a row when a record without a value comes, and takes a later one', async () => {
    await using driver = withCustomers()
    const deletions = topic('customers', { format: 'none', encode: () => null as never, decode: () => null })
    await put(driver, 'c1', 'Ada')
    await driver.send(deletions, null, { key: 'c1' })
    expect(await greet(driver, 'c1')).toBe('no c1')
    await put(driver, 'c1', 'Ada again')
    expect(await greet(driver, 'c1')).toBe('Ada again')
  })

  it('has the rows of all partitions on the one instance that runs a turn', async () => {
    await using driver = withCustomers({ partitions: 2 })
    const keys = Array.from({ length: 10 }, (_, i) => `c${i}`)
    expect(new Set(keys.map((key) => partitionOfKey(key, 2))).size).toBe(2)
    await driver.sendAll(
      customersTopic,
      keys.map((key) => ({ name: `name of ${key}`, tags: [] })),
      { key: ({ name }) => name.slice('name of '.length) },
    )
    for (const key of keys) expect(await greet(driver, key)).toBe(`name of ${key}`)
    expect(driver.stats().lookupRecords).toBe(10)
  })

  it('has all that was sent when send resolves, however long that takes', async () => {
    // A turn of the event loop for each partition: longer than it takes to find that no order waits.
    await using driver = withCustomers({ partitions: 100 })
    const values = Array.from({ length: 2_000 }, (_, i) => ({ name: `customer number ${i}`, tags: [] }))
    await driver.sendAll(customersTopic, values, { key: ({ name }) => name })
    expect(driver.stats().lookupRecords).toBe(2_000)
  })

  it('is complete again before the first turn after a crash', async () => {
    await using driver = withCustomers()
    await put(driver, 'c1', 'Ada')
    await put(driver, 'c1', 'Ada Lovelace')
    await driver.crash()
    expect(driver.stats().lookupRecords).toBe(2)
    expect(await greet(driver, 'c1')).toBe('Ada Lovelace')
  })

  it('keeps the row it has when a value is refused, counts it and warns with its coordinates', async () => {
    const logger = listeningLogger()
    await using driver = withCustomers({ logger, partitions: 1 })
    await put(driver, 'c1', 'Ada')
    await driver.send(rawCustomers, '{"name":7}', { key: 'c1' })
    expect(await greet(driver, 'c1')).toBe('Ada')
    expect(driver.stats()).toMatchObject({ refused: 1, deadLetters: 0 })
    expect(logger.warnings).toEqual([
      expect.stringMatching(/^customers\[0\]@1: the row of 'c1' was refused \(name: .*number/),
    ])
    expect(driver.output(topic('test-dlq', bytes()))).toEqual([])
  })

  it('warns of a topic full of bad values once, and of how many there were', async () => {
    const logger = listeningLogger()
    const driver = withCustomers({ logger })
    await driver.sendAll(rawCustomers, Array<string>(25).fill('no'), { key: () => 'c1' })
    expect(driver.stats().refused).toBe(25)
    await driver.close()
    expect(logger.warnings).toEqual([
      expect.stringContaining('customers['),
      expect.stringMatching(/^24 more like this in the last \d+ s \(VALUE_INVALID, customers\); the last: customers\[/),
    ])
  })

  it("stops the app at a value that is refused with onInvalid: 'stop'", async () => {
    const strict = lookup(topic('customers', customer, { onInvalid: 'stop' }))
    const driver = testDriver({ objects: [order], lookups: [strict], partitions: 1 })
    await expect(driver.send(rawCustomers, 'no', { key: 'c1' })).rejects.toMatchObject({
      code: 'VALUE_INVALID',
      topic: 'customers',
      partition: 0,
      offset: 0,
      key: 'c1',
    })
    await driver[Symbol.asyncDispose]()
  })

  it('that was not given to the app says what to do', async () => {
    const driver = testDriver({ objects: [order] })
    await expect(driver.send(orders, { id: '1', customer: 'c1' })).rejects.toMatchObject({
      code: 'HANDLER_FAILED',
      cause: {
        code: 'DEFINITION_INVALID',
        topic: 'customers',
        message: expect.stringContaining('name it in lookups: [customers] of createApp or testDriver'),
      },
    })
    await driver[Symbol.asyncDispose]()
  })

  it('of the same topic by another definition is not the one that was given', async () => {
    const other = lookup(topic('customers', customer))
    const driver = testDriver({ objects: [order], lookups: [other] })
    await expect(driver.send(orders, { id: '1', customer: 'c1' })).rejects.toThrow(/was not given to the app/)
    await driver[Symbol.asyncDispose]()
  })

  it('gives rows that a handler cannot change for the others', async () => {
    const careless = stateObject('careless', { state: z.object({}), init: () => ({}) }).on(
      orders,
      { key: ({ id }) => id, onError },
      (_state, { customer: key }, turn) => {
        const row = turn.lookup(customers, key) as unknown as { tags: string[] }
        row.tags.push('seen')
      },
    )
    const driver = testDriver({ objects: [careless], lookups: [customers] })
    await driver.send(customersTopic, { name: 'Ada', tags: ['new'] }, { key: 'c1' })
    await expect(driver.send(orders, { id: '1', customer: 'c1' })).rejects.toThrow(/not extensible/)
    await driver[Symbol.asyncDispose]()
  })

  it('can be of a topic that the app itself writes', async () => {
    const namesTopic = topic('names', text())
    const names = lookup(namesTopic)
    const both = stateObject('both', { state: z.object({ name: z.string() }), init: () => ({ name: '' }) })
      .on(
        orders,
        ({ id }) => id,
        (state, { id, customer: name }, turn) => {
          turn.emit(greetings, turn.lookup(names, id) ?? 'nobody')
          state.name = name
        },
      )
      .publish(namesTopic, ({ name }) => name)
    const logger = listeningLogger()
    await using driver = testDriver({ objects: [both], lookups: [names], logger })
    await driver.send(orders, { id: 'o', customer: 'Ada' })
    await driver.send(orders, { id: 'o', customer: 'Bea' })
    expect(driver.output(greetings).map(({ value }) => value)).toEqual(['nobody', 'Ada'])
    // Not even that it is not compacted: who makes a topic that is looked up makes it so.
    expect(logger.warnings).toEqual([])
  })
})
