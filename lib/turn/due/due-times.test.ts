import { z } from 'zod'
import type { Duration } from '../../core/duration.js'
import { latestTimeMs } from '../../core/record-checks.js'
import type { TimerTime } from '../../model/kind.js'
import { stateObject, type AnyStateObject } from '../../model/state-object.js'
import { topic } from '../../model/stream.js'
import { testDriver, type TestDriver } from '../../testing/driver.js'

const wishes = topic('wishes', z.object({ who: z.string(), at: z.number() }), { timestamp: ({ at }) => at })
const fired = topic('fired', z.object({ who: z.string(), now: z.number() }))
const letters = topic('test-dlq', z.object({ who: z.string() }))

/** The driver's clock at its beginning. */
const start = Date.UTC(2026, 0, 1)

/** Sets a timer with the first record of an object. */
function kind(when: Duration | Date, time: TimerTime): AnyStateObject {
  return stateObject('wish', { state: z.object({}), init: () => ({}) })
    .timers({ due: z.null() }, { time })
    .on(wishes, { key: ({ who }) => who, onError: { attempts: 1 } }, (_state, _wish, turn) => {
      if (turn.isNew) turn.timer('due', when, null)
    })
    .onTimer('due', (_state, _payload, turn) =>
      turn.emit(fired, { who: turn.key, now: turn.now }, { timestamp: start }),
    )
}

const firings = (driver: TestDriver): number[] => driver.output(fired).map(({ value }) => value?.now as number)

/** Dies at each step, then loses its disk. */
const disasters = ['none', 'turn', 'before-end', 'after-end', 'before-store', 'lost disk'] as const
async function befall(driver: TestDriver, disaster: (typeof disasters)[number]): Promise<void> {
  if (disaster === 'lost disk') {
    driver.loseDisk()
    await driver.crash()
  } else if (disaster !== 'none') await driver.crash(disaster)
}

const dates = [-latestTimeMs, -1e12, -60_000, -1, 0, 1, start - 3_600_000, start, start + 30_000]

describe('a timer by the clock', () => {
  const cases: readonly (readonly [string, Duration | Date, number])[] = [
    ['of 0 ms', 0, start],
    ['of a part of a millisecond', 0.25, start + 1],
    ['of a float', 90_000.5, start + 90_001],
    ["of '1.5s'", '1.5s', start + 1_500],
    ...dates.map((at) => [`of the date ${at}`, new Date(at), at] as const),
  ]

  describe.each(cases)('%s', (_what, when, expected) => {
    it.each(disasters)('fires once, disaster: %s', async (disaster) => {
      await using driver = testDriver({ objects: [kind(when, 'processing')], partitions: 1 })
      await driver.send(wishes, { who: 'ann', at: start })
      await befall(driver, disaster)
      await driver.advance('91s')
      await driver.advance('1h')
      expect(firings(driver)).toEqual([expected])
    })
  })

  it('with a date in the past fires at once, and also when the process dies before it has', async () => {
    await using driver = testDriver({ objects: [kind(new Date(-5), 'processing')], partitions: 1 })
    await driver.crash('turn')
    await driver.send(wishes, { who: 'ann', at: start })
    await driver.crash('before-end')
    await driver.send(wishes, { who: 'bob', at: start })
    expect(firings(driver)).toEqual([-5, -5])
    expect(driver.crashes).toBe(2)
  })
})

describe('a timer by event time', () => {
  const times = [-1e12, -15_000, -10_000, -1, 0, 0.5, 1.999, start, 4e15]

  describe.each(times)('set at %d', (at) => {
    it.each(disasters)('fires when the stream has come so far, disaster: %s', async (disaster) => {
      await using driver = testDriver({ objects: [kind('10s', 'event')], partitions: 1 })
      await driver.send(wishes, { who: 'ann', at })
      await befall(driver, disaster)
      await driver.send(wishes, { who: 'bob', at: at + 9_998 })
      expect(firings(driver)).toEqual([])
      await befall(driver, disaster)
      await driver.send(wishes, { who: 'bob', at: at + 10_001 })
      expect(firings(driver)).toEqual([Math.floor(at) + 10_000])
    })
  })
})

describe('when a timer is due', () => {
  const numbers = [NaN, Infinity, -Infinity, -1, -0.001, Number.MAX_SAFE_INTEGER, 1e300, latestTimeMs]
  const others = [1n, null, undefined, true, {}, [], Symbol('soon'), '5', 'soon', '-1s', '', Promise.resolve(5)]
  const invalid = [new Date(NaN), new Date(latestTimeMs + 1), new Date('soon')]

  it.each<unknown>([...numbers, ...others, ...invalid])('is an error of the turn for %p', async (when) => {
    await using driver = testDriver({ objects: [kind(when as Duration, 'processing')], partitions: 1 })
    await driver.send(wishes, { who: 'ann', at: start })
    await driver.send(wishes, { who: 'bob', at: start })
    await driver.advance('1h')
    expect(firings(driver)).toEqual([])
    const messages = driver
      .output(letters)
      .map(({ headers }) => Buffer.from(headers.get('millrace.error.message') ?? []).toString())
    expect(messages).toEqual(Array(2).fill(expect.stringMatching(/turn\.timer\('due'\): /)))
  })

  it.each([new Date(latestTimeMs), 8.6e15, '36500d'] as const)('may be as far away as %p', async (when) => {
    await using driver = testDriver({ objects: [kind(when, 'processing')], partitions: 1 })
    await driver.send(wishes, { who: 'ann', at: start })
    driver.loseDisk()
    await driver.crash()
    await driver.advance('30d')
    expect(firings(driver)).toEqual([])
    expect(driver.output(letters)).toEqual([])
  })
})
