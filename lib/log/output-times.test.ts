import fc from 'fast-check'
import { z } from 'zod'
import { systemClock } from '../core/clock.js'
import { latestTimeMs } from '../core/record-checks.js'
import { BatchRules } from './batch-rules.js'
import { stateObject } from '../model/state-object.js'
import { topic } from '../model/stream.js'
import { testDriver, type TestDriver } from '../testing/driver.js'
import { OutputTimes, writableTime } from './output-times.js'

const start = Date.UTC(2026, 0, 1)
const hourMs = 3_600_000
const unlimited = '9223372036854775807'

describe('what a topic takes', () => {
  const now = start
  const taken = (
    configs: Readonly<Record<string, string>>,
    clampsTime: boolean,
    timestamp: number,
  ): number | string => {
    const rules = new BatchRules()
    rules.note('t', new Map(Object.entries(configs)))
    const times = new OutputTimes(rules, { ...systemClock, now: () => now })
    try {
      return times.taken({ name: 't', clampsTime }, timestamp, 'here')
    } catch (error) {
      return (error as { code: string }).code
    }
  }
  const after = { 'message.timestamp.after.max.ms': '3600000' }
  const before = { 'message.timestamp.before.max.ms': '3600000' }

  it.each<readonly [string, Record<string, string>, number, number | string]>([
    ['an hour ahead', after, now + hourMs, now + hourMs],
    ['more than an hour ahead', after, now + hourMs + 1, 'RECORD_INVALID'],
    ['long past', after, 0, 0],
    ['an hour behind', before, now - hourMs, now - hourMs],
    ['more than an hour behind', before, now - hourMs - 1, 'RECORD_INVALID'],
    ['what it has no limit for', { ...after, 'message.timestamp.after.max.ms': unlimited }, 8e15, 8e15],
    ['anything, where the broker sets the time', { ...after, 'message.timestamp.type': 'LogAppendTime' }, 8e15, 8e15],
    ['what old brokers say for both', { 'message.timestamp.difference.max.ms': '1000' }, now + 1_001, 'RECORD_INVALID'],
    [
      'the newer of two settings',
      { ...after, 'message.timestamp.difference.max.ms': '1000' },
      now + 1_001,
      now + 1_001,
    ],
    ['what is not known', {}, 8e15, 8e15],
  ])('%s', (_what, configs, timestamp, expected) => {
    expect(taken(configs, false, timestamp)).toBe(expected)
  })

  it('is a time within its limits where it clamps, and the same time where that is', () => {
    const limit = fc.integer({ min: 0, max: 10 * hourMs })
    const time = fc.integer({ min: 0, max: latestTimeMs })
    fc.assert(
      fc.property(limit, limit, fc.oneof(time, fc.integer({ min: now - 1e8, max: now + 1e8 })), (ahead, behind, at) => {
        const configs = {
          'message.timestamp.after.max.ms': String(ahead),
          'message.timestamp.before.max.ms': String(behind),
        }
        const got = taken(configs, true, at) as number
        expect(got >= now - behind && got <= now + ahead).toBe(true)
        expect(got === at || at < now - behind || at > now + ahead).toBe(true)
      }),
    )
  })
})

describe('event time as a timestamp', () => {
  it.each([
    [-1, 0],
    [-1e12, 0],
    [0.9, 0],
    [start, start],
  ])('%d is written as %d', (eventTime, written) => {
    expect(writableTime(eventTime)).toBe(written)
  })
})

const order = z.object({ id: z.string(), at: z.number(), emitAt: z.number().optional() })
const letters = topic('test-dlq', z.object({ id: z.string() }))
const codes = (driver: TestDriver): string[] =>
  driver
    .output(letters)
    .map(({ headers, value }) => `${value?.id} ${Buffer.from(headers.get('millrace.error.code') ?? []).toString()}`)

describe.each(['refuse', 'clamp'] as const)('an output with timestamps: %s', (timestamps) => {
  const orders = topic('orders', order, { timestamp: ({ at }) => at })
  const out = topic('out', z.object({ id: z.string() }), { timestamps })
  const copies = topic('copies', order, { timestamps })
  const kind = stateObject('count', { state: z.object({ n: z.number() }), init: () => ({ n: 0 }) }).on(
    orders,
    { key: ({ id }) => id, onError: { attempts: 1 } },
    (state, { id, emitAt }, turn) => {
      state.n++
      turn.emit(out, { id }, emitAt === undefined ? {} : { timestamp: emitAt })
    },
  )
  const latest = start + hourMs

  it('of a turn takes what a broker does; the rest is an error of that turn, or is moved', async () => {
    await using driver = testDriver({ failures: 'expect', objects: [kind], partitions: 1 })
    // Until a record was written to it nothing is known of the topic.
    await driver.send(orders, { id: 'first', at: latest + 1 })
    await driver.send(orders, { id: 'own', at: start, emitAt: latest + 1 })
    await driver.send(orders, { id: 'near', at: latest })
    await driver.send(orders, { id: 'old', at: -5 })
    const refused = ['first', 'own']
    const written = driver.output(out).map(({ value, timestamp }) => [value?.id, timestamp])
    const moved = latest - 60_000
    const isRefused = timestamps === 'refuse'
    expect(codes(driver)).toEqual(isRefused ? refused.map((id) => `${id} RECORD_INVALID`) : [])
    expect(refused.map((id) => driver.state(kind, id) === undefined)).toEqual([isRefused, isRefused])
    expect(written).toEqual([
      ...(timestamps === 'refuse' ? [] : refused.map((id) => [id, moved])),
      ['near', latest],
      ['old', 0],
    ])
  })

  it('of a flow likewise, as the topic of the record says', async () => {
    await using driver = testDriver({ failures: 'expect', flows: [orders.to(copies)], partitions: 1 })
    for (const [id, at] of Object.entries({ far: latest + 1, near: latest, old: -5 }))
      await driver.send(orders, { id, at })
    const written = driver.output(copies).map(({ value, timestamp }) => [value?.id, timestamp])
    expect(codes(driver)).toEqual(timestamps === 'refuse' ? ['far RECORD_INVALID'] : [])
    expect(written).toEqual([
      ...(timestamps === 'refuse' ? [] : [['far', latest - 60_000]]),
      ['near', latest],
      ['old', 0],
    ])
  })
})
