import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { z } from 'zod'
import { latestTimeMs } from '../../core/record-checks.js'
import { stateObject } from '../../model/state-object.js'
import { topic } from '../../model/stream.js'
import { testDriver, type TestDriver } from '../../testing/driver.js'

const start = Date.UTC(2026, 0, 1)
const times = z.object({ times: z.array(z.number()) })

/** Remembers the event times of its records. */
function seen(extract: (value: { readonly id: number }) => unknown) {
  const numbers = topic('numbers', z.object({ id: z.number() }), { timestamp: extract as () => number })
  const kind = stateObject('seen', { state: times, init: () => ({ times: [] as number[] }) }).on(
    numbers.withTombstones(),
    () => 'all',
    (state, _value, turn) => {
      expect(turn.record.timestamp).toBe(turn.now)
      state.times.push(turn.now)
    },
  )
  return { numbers, kind, driver: testDriver({ failures: 'expect', objects: [kind], partitions: 1 }) }
}

const letters = topic('test-dlq', z.object({ id: z.number() }))
const refusals = (driver: TestDriver): string[] =>
  driver
    .output(letters)
    .map(({ headers }) =>
      ['code', 'message'].map((name) => Buffer.from(headers.get(`millrace.error.${name}`) ?? [])).join(' '),
    )

describe('the time that a topic finds in its values', () => {
  it.each([
    [0, 0],
    [1.999, 1],
    [-1, -1],
    [-0.5, -1],
    [-1e12, -1e12],
    [start / 1_000, Math.floor(start / 1_000)],
    [latestTimeMs, latestTimeMs],
    [-latestTimeMs, -latestTimeMs],
  ])('may be %d, and is whole milliseconds', async (given, expected) => {
    const { driver, kind, numbers } = seen(() => given)
    await using _ = driver
    await driver.send(numbers, { id: 1 })
    expect(driver.state(kind, 'all')).toEqual({ times: [expected] })
  })

  it.each<readonly [string, () => unknown, RegExp]>([
    ['NaN', () => NaN, /a number \(NaN\)/],
    ['infinite', () => -Infinity, /a number \(-Infinity\)/],
    ['1e300', () => 1e300, /beyond what a Date can hold/],
    ['microseconds of a late year', () => latestTimeMs + 1, /not microseconds or nanoseconds/],
    ['nanoseconds', () => start * 1e6, /not microseconds or nanoseconds/],
    ['text', () => '2026-01-01', /text; give milliseconds since 1970, as Date\.parse/],
    ['null', () => null, /gave null/],
    ['undefined', () => undefined, /gave undefined/],
    ['a bigint', () => BigInt(start), /a bigint/],
    ['a Date', () => new Date(start), /a Date; give its getTime\(\)/],
    ['a Date of another realm', () => runInNewContext('new Date()') as unknown, /a Date; give its getTime\(\)/],
    ['a promise', () => Promise.resolve(start), /a promise: it cannot wait/],
    ['a promise that is rejected', () => Promise.reject(new Error('later')), /a promise: it cannot wait/],
    ['an object', () => ({ valueOf: () => start }), /an object/],
    [
      'thrown',
      () => {
        throw new Error('no clock')
      },
      /no clock/,
    ],
    ['thrown at once', () => (undefined as unknown as { at: number }).at, /undefined/],
  ])('is refused when it is %s, and others go on', async (_what, give, message) => {
    const { driver, kind, numbers } = seen(({ id }) => (id === 2 ? give() : start + id))
    await using _ = driver
    for (const id of [1, 2, 3]) await driver.send(numbers, { id })
    expect(driver.state(kind, 'all')).toEqual({ times: [start + 1, start + 3] })
    expect(refusals(driver)).toEqual([expect.stringMatching(/^STEP_FAILED numbers\[0\]@\d+: the timestamp function/)])
    expect(refusals(driver)[0]).toMatch(message)
  })

  it('is not that of the tombstone behind it', async () => {
    const { driver, kind, numbers } = seen(({ id }) => id)
    await using _ = driver
    await driver.send(numbers, { id: 7 }, { timestamp: start })
    await driver.send(numbers, null, { timestamp: start + 5 })
    await driver.send(numbers, { id: 8 }, { timestamp: start + 6 })
    expect(driver.state(kind, 'all')).toEqual({ times: [7, start + 5, 8] })
  })

  it('is a whole number that a Date can hold, or the record is refused, whatever is given', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.anything({ withBigInt: true, withDate: true }), { maxLength: 20 }), async (all) => {
        const { driver, kind, numbers } = seen(({ id }) => all[id])
        await using _ = driver
        for (let id = 0; id < all.length; id++) await driver.send(numbers, { id })
        const fine = all.filter((each) => typeof each === 'number' && Math.abs(each) <= latestTimeMs) as number[]
        const expected = fine.map((each) => Math.floor(each) + 0)
        expect(driver.state(kind, 'all')?.times ?? []).toEqual(expected)
        expect(driver.output(letters)).toHaveLength(all.length - fine.length)
      }),
      { numRuns: 20 },
    )
  })
})
