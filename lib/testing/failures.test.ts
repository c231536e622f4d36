import { z } from 'zod'
import { stateObject, type AnyStateObject } from '../model/state-object.js'
import { topic } from '../model/stream.js'
import { tumbling } from '../model/window.js'
import { testDriver } from './driver.js'

const orders = topic('orders', z.object({ id: z.string(), n: z.number() }), { timestamp: ({ n }) => start + n })
const rows = topic('rows', z.object({ n: z.number() }))
const start = Date.UTC(2026, 0, 1)
const mine = new Error('no stock')
const fail = (): never => {
  throw mine
}
const state = z.object({ n: z.number() })
const init = (): { n: number } => ({ n: 0 })
const key = ({ id }: { readonly id: string }): string => id

const kinds: readonly (readonly [string, AnyStateObject, string])[] = [
  ['a handler', stateObject('order', { state, init }).on(orders, key, fail), 'HANDLER_FAILED'],
  [
    'an asynchronous handler',
    stateObject('order', { state, init }).on(orders, key, async () => {
      await Promise.resolve()
      fail()
    }),
    'HANDLER_FAILED',
  ],
  [
    'a handler behind a hop, whose last attempt it was',
    stateObject('order', { state, init }).on(orders, { key, route: 'shuffle', onError: { attempts: 1 } }, fail),
    'HANDLER_FAILED',
  ],
  [
    'a handler whose failures are skipped',
    stateObject('order', { state, init }).on(orders, { key, onError: { attempts: 1, then: 'skip' } }, fail),
    'HANDLER_FAILED',
  ],
  [
    'a state that does not fit',
    stateObject('order', { state, init }).on(orders, key, (own) => {
      own.n = 'no stock' as never
    }),
    'STATE_INVALID',
  ],
  [
    'a published row',
    stateObject('order', { state, init })
      .on(orders, { key, onError: { attempts: 1 } }, (own) => void own.n++)
      .publish(rows, fail),
    'PUBLISH_FAILED',
  ],
]

describe('a turn that fails', () => {
  it.each(kinds)('rejects the call that led to it: %s', async (_name, kind, code) => {
    await using driver = testDriver({ objects: [kind] })
    const error: unknown = await driver.send(orders, { id: 'a', n: 1 }).catch((cause: unknown) => cause)
    expect(error).toMatchObject({ code, kind: 'order', key: 'a', topic: 'orders', offset: 0 })
    const { message, stack } = error as Error
    expect(message).toMatch(
      /^send to orders: orders\[\d\]@0: order 'a'.*(no stock|received string).*\{ failures: 'expect' \}\.$/s,
    )
    expect(stack).toContain('failures.test.ts')
  })

  it.each(kinds)('is what a test can expect: %s', async (_name, kind) => {
    await using driver = testDriver({ objects: [kind] })
    await driver.send(orders, { id: 'a', n: 1 }, { failures: 'expect' })
    await expect(driver.send(orders, { id: 'b', n: 1 })).rejects.toMatchObject({ key: 'b' })
    await using tolerant = testDriver({ objects: [kind], failures: 'expect' })
    await tolerant.send(orders, { id: 'a', n: 1 })
    await expect(tolerant.send(orders, { id: 'b', n: 1 }, { failures: 'reject' })).rejects.toMatchObject({ key: 'b' })
  })

  it('has the error of the handler as its cause', async () => {
    await using driver = testDriver({ objects: [kinds[0]![1]] })
    await expect(driver.send(orders, { id: 'a', n: 1 })).rejects.toMatchObject({ cause: mine })
  })

  it('is one of several: they are counted, each once', async () => {
    await using driver = testDriver({ objects: [kinds[0]![1]], partitions: 1 })
    const sent = driver.sendAll(
      orders,
      ['a', 'b', 'c'].map((id) => ({ id, n: 1 })),
    )
    await expect(sent).rejects.toThrow('(2 more failed)')
  })

  it('rejects the advance that makes it due, and crashes too; the driver goes on', async () => {
    let left = 3
    const kind = stateObject('order', { state, init })
      .timers({ due: z.null() })
      .on(orders, key, (_own, _order, turn) => turn.timer('due', '1m', null))
      .onTimer('due', (own) => {
        if (left-- > 0) fail()
        own.n = 7
      })
    await using driver = testDriver({ objects: [kind] })
    await driver.send(orders, { id: 'a', n: 1 })
    await expect(driver.advance('1m')).rejects.toMatchObject({ code: 'HANDLER_FAILED', kind: 'order', key: 'a' })
    await driver.advance('1h', { failures: 'expect' })
    expect(driver.state(kind, 'a')).toEqual({ n: 7 })
  })
})

describe('a record that becomes a dead letter', () => {
  const late = stateObject('order', { state, init, window: tumbling('1m') }).on(orders, key, (own) => void own.n++)
  const count = () => stateObject('order', { state, init })
  const inputs: readonly (readonly [string, AnyStateObject, string])[] = [
    ['a step throws', count().on(orders.map(fail), () => 'a', fail), 'STEP_FAILED'],
    ['a key extractor throws', count().on(orders, fail, fail), 'STEP_FAILED'],
    ['it comes after its window', late, 'RECORD_LATE'],
  ]
  it.each(inputs)('rejects the call: %s', async (_name, kind, code) => {
    await using driver = testDriver({ objects: [kind], partitions: 1 })
    await driver.send(orders, { id: 'a', n: 600_000 }, { failures: 'expect' })
    await expect(driver.send(orders, { id: 'a', n: 0 })).rejects.toMatchObject({ code, topic: 'orders', offset: 1 })
  })

  it('rejects it when its object is in quarantine, though no handler was called', async () => {
    const kind = count().on(orders, { key, onError: { attempts: 1 } }, fail)
    await using driver = testDriver({ objects: [kind] })
    await driver.send(orders, { id: 'a', n: 1 }, { failures: 'expect' })
    await expect(driver.send(orders, { id: 'a', n: 2 })).rejects.toMatchObject({ code: 'QUARANTINED', key: 'a' })
  })

  it('is silent where the policy is to skip it', async () => {
    const skipping = topic('orders', orders.codec, { onInvalid: 'skip' })
    await using driver = testDriver({ objects: [count().on(skipping.map(fail), () => 'a', fail)] })
    await driver.send(skipping, { id: 'a', n: 1 })
    expect(driver.stats().refused).toBe(1)
  })

  it('can be looked at: where it came from, what was in it, and why', async () => {
    const kind = count().on(orders, { key, route: 'shuffle', onError: { attempts: 1 } }, fail)
    await using driver = testDriver({ objects: [kind], partitions: 1, failures: 'expect' })
    await driver.send(orders, { id: 'a', n: 1 }, { key: 'k' })
    await driver.send(orders, { id: 'a', n: 2 })
    const [first, second] = driver.deadLetters(orders)
    expect(first).toMatchObject({
      topic: 'orders',
      partition: 0,
      offset: 0,
      key: 'k',
      value: { id: 'a', n: 1 },
      timestamp: start + 1,
      code: 'HANDLER_FAILED',
      message: expect.stringContaining('no stock'),
      kind: 'order',
      object: 'a',
      attempt: 1,
    })
    expect(first?.headers.size).toBe(0)
    expect(Buffer.from(first?.bytes.value ?? []).toString()).toBe('{"id":"a","n":1}')
    expect(second).toMatchObject({ key: null, value: { n: 2 }, code: 'QUARANTINED', attempt: 0 })
    expect(driver.deadLetters()).toHaveLength(2)
    expect(driver.deadLetters(rows)).toEqual([])
  })
})
