import { z } from 'zod'
import { text } from '../codec/codec.js'
import { stateObject } from '../model/state-object.js'
import { topic } from '../model/stream.js'
import type { Turn } from '../model/turn.js'
import { testDriver, type TestDriver } from '../testing/driver.js'

const orders = topic('orders', z.object({ id: z.string(), size: z.number().optional() }))
const out = topic('out', text())
const rows = topic('rows', text())
const dlq = topic('test-dlq', text())

const codes = (driver: TestDriver): string[] =>
  driver.output(dlq).map(({ headers }) => Buffer.from(headers.get('millrace.error.code') ?? []).toString())

describe('what a turn may do', () => {
  it('ends with it: a turn that is kept refuses to be used', async () => {
    let kept: Turn | undefined
    const kind = stateObject('kind', { state: z.object({}), init: () => ({}) }).on(
      orders,
      ({ id }) => id,
      (_state, _order, turn) => {
        kept = turn
      },
    )
    await using driver = testDriver({ objects: [kind] })
    await driver.send(orders, { id: 'a' })
    for (const use of [() => kept?.emit(out, ''), () => kept?.delete(), () => kept?.record, () => kept?.now])
      expect(use).toThrow(expect.objectContaining({ code: 'TURN_ENDED' }))
  })

  it('passes the trace of its record on, and its own headers', async () => {
    const flow = topic('flow', text())
    const first = stateObject('first', { state: z.object({}), init: () => ({}) }).on(
      orders,
      ({ id }) => id,
      (_state, _order, turn) => turn.emit(flow, 'x', { headers: { traceparent: '00-abc-def-01', own: 'mine' } }),
    )
    const second = stateObject('second', { state: z.object({}), init: () => ({}) }).on(
      flow,
      (value) => value,
      (_state, _value, turn) => turn.emit(out, 'y', { headers: { other: 'too' } }),
    )
    await using driver = testDriver({ objects: [first, second] })
    await driver.send(orders, { id: 'a' })
    const [record] = driver.output(out)
    const told = [...(record?.headers ?? [])].map(([name, value]) => `${name}=${Buffer.from(value ?? []).toString()}`)
    expect(told).toEqual(['traceparent=00-abc-def-01', 'other=too'])
  })

  it('is an error when it is a value, a record, a row or a state that cannot be', async () => {
    const big = 'x'.repeat(1_000_001)
    const kind = stateObject('kind', { state: z.object({ note: z.string() }), init: () => ({ note: '' }) })
      .on(orders, { key: ({ id }) => id, onError: { attempts: 1, then: 'dead-letter' } }, (state, { id }, turn) => {
        if (id === 'returns') return 'something' as never
        if (id === 'emits') turn.emit(out, big)
        if (id === 'grows') state.note = big
        if (id === 'row') state.note = 'no row'
        return undefined
      })
      .publish(rows, ({ note }) => {
        if (note === 'no row') throw new Error('no row for it')
        return note
      })
    await using driver = testDriver({ failures: 'expect', objects: [kind], partitions: 1 })
    for (const id of ['returns', 'emits', 'grows', 'row', 'fine']) await driver.send(orders, { id })
    expect(codes(driver)).toEqual(['HANDLER_FAILED', 'RECORD_TOO_LARGE', 'RECORD_TOO_LARGE', 'PUBLISH_FAILED'])
    expect(driver.state(kind, 'fine')).toEqual({ note: '' })
    for (const id of ['returns', 'emits', 'grows', 'row']) expect(driver.state(kind, id)).toBeUndefined()
  })
})

describe('steps and extractors that throw', () => {
  it('send their record to the dead letters, and others go on', async () => {
    const kind = stateObject('kind', { state: z.object({ n: z.number() }), init: () => ({ n: 0 }) }).on(
      orders.map((order) => {
        if (order.id === 'step') throw new Error('step')
        return order
      }),
      ({ id }) => {
        if (id === 'extractor') throw new Error('extractor')
        return id === 'number' ? (7 as never) : id
      },
      (state) => {
        state.n++
      },
    )
    await using driver = testDriver({ failures: 'expect', objects: [kind], partitions: 1 })
    await driver.sendAll(
      orders,
      ['step', 'a', 'extractor', 'number', 'a'].map((id) => ({ id })),
    )
    expect(codes(driver)).toEqual(['STEP_FAILED', 'STEP_FAILED', 'EXTRACTOR_FAILED'])
    expect(driver.state(kind, 'a')).toEqual({ n: 2 })
    expect(driver.stats()).toMatchObject({ refused: 3 })
  })
})

describe('tombstones', () => {
  const customers = topic('customers', z.object({ name: z.string() }))

  it('reach those who ask for them, through steps and hops', async () => {
    const customer = stateObject('customer', { state: z.object({ name: z.string() }), init: () => ({ name: '' }) }).on(
      customers.withTombstones().filter((value) => value?.name !== 'skip'),
      (_value, record) => `${record.key}!`,
      (state, value, turn) => {
        if (value === null) turn.delete()
        else state.name = value.name
      },
    )
    await using driver = testDriver({ objects: [customer] })
    await driver.send(customers, { name: 'Ann' }, { key: 'a' })
    await driver.send(customers, { name: 'Bob' }, { key: 'b' })
    expect(driver.state(customer, 'a!')).toEqual({ name: 'Ann' })
    await driver.send(customers, null as never, { key: 'a' })
    expect(driver.state(customer, 'a!')).toBeUndefined()
    expect(driver.state(customer, 'b!')).toEqual({ name: 'Bob' })
    expect(driver.output(dlq)).toEqual([])
  })

  it('are refused where nobody asks for them', async () => {
    const kind = stateObject('kind', { state: z.object({}), init: () => ({}) }).on(
      customers,
      ({ name }) => name,
      () => undefined,
    )
    await using driver = testDriver({ failures: 'expect', objects: [kind] })
    await driver.send(customers, null as never, { key: 'a' })
    expect(codes(driver)).toEqual(['VALUE_INVALID'])
  })
})

describe('event time', () => {
  it('comes from the value where the topic says so', async () => {
    const timed = topic('timed', z.object({ id: z.string(), at: z.number() }), { timestamp: ({ at }) => at })
    const seen: number[] = []
    const kind = stateObject('kind', { state: z.object({}), init: () => ({}) }).on(
      timed,
      ({ id }) => id,
      (_state, _value, turn) => {
        seen.push(turn.now, turn.record.timestamp)
        turn.emit(out, 'x')
      },
    )
    await using driver = testDriver({ objects: [kind] })
    await driver.send(timed, { id: 'a', at: 1_234_567 })
    expect(new Set(seen)).toEqual(new Set([1_234_567]))
    expect(driver.output(out)[0]?.timestamp).toBe(1_234_567)
  })
})
