import { z } from 'zod'
import type { Duration } from '../../core/duration.js'
import { latestTimeMs } from '../../core/record-checks.js'
import type { TimerTime } from '../../model/kind.js'
import { stateObject, type AnyStateObject } from '../../model/state-object.js'
import { topic } from '../../model/stream.js'
import { testDriver, type TestDriver } from '../../testing/driver.js'

const wishes = topic('wishes', z.object({ who: z.string(), at: z.number() }), {
  timestamp: ({ at }) => at,
  maxAhead: 'unlimited',
})
const fired = topic('fired', z.object({ who: z.string(), now: z.number() }))
const letters = topic('test-dlq', z.object({ who: z.string() }))

/** The driver's clock at its beginning. */
const start = Date.UTC(2026, 0, 1)

/** Sets a timer with the first record of an object, as `when` says for it. */
function kind(when: (who: string) => Duration | Date, time: TimerTime): AnyStateObject {
  return stateObject('wish', { state: z.object({}), init: () => ({}) })
    .timers({ due: z.null() }, { time })
    .on(wishes, { key: ({ who }) => who, onError: { attempts: 1 } }, (_state, { who }, turn) => {
      if (turn.isNew) turn.timer('due', when(who), null)
    })
    .onTimer('due', (_state, _payload, turn) =>
      turn.emit(fired, { who: turn.key, now: turn.now }, { timestamp: start }),
    )
}

const firings = (driver: TestDriver): Record<string, number> => {
  const all = driver.output(fired).map(({ value }) => [value?.who, value?.now] as const)
  expect(new Set(all.map(([who]) => who)).size).toBe(all.length)
  return Object.fromEntries(all) as Record<string, number>
}

/** Dies at each step, then loses its disk. */
const disasters = ['none', 'turn', 'before-end', 'after-end', 'before-store', 'lost disk'] as const
async function befall(driver: TestDriver, disaster: (typeof disasters)[number]): Promise<void> {
  if (disaster === 'lost disk') {
    driver.loseDisk()
    await driver.crash()
  } else if (disaster !== 'none') await driver.crash(disaster)
}

const dates = [-latestTimeMs, -1e12, -60_000, -1, 0, 1, start - 3_600_000, start, start + 30_000]

describe('timers by the clock', () => {
  const cases = new Map<string, readonly [when: Duration | Date, expected: number]>([
    ['of 0 ms', [0, start]],
    ['of a part of a millisecond', [0.25, start + 1]],
    ['of a float', [90_000.5, start + 90_001]],
    ["of '1.5s'", ['1.5s', start + 1_500]],
    ...dates.map((at) => [`of the date ${at}`, [new Date(at), at]] as const),
  ])
  const expected = Object.fromEntries([...cases].map(([who, [, at]]) => [who, at]))

  it.each(disasters)('of all kinds fire once, disaster: %s', async (disaster) => {
    await using driver = testDriver({ objects: [kind((who) => cases.get(who)![0], 'processing')], partitions: 1 })
    await befall(driver, disaster)
    await driver.sendAll(
      wishes,
      [...cases.keys()].map((who) => ({ who, at: start })),
    )
    await befall(driver, disaster)
    await driver.advance('91s')
    await driver.advance('1h')
    expect(firings(driver)).toEqual(expected)
  })
})

describe('a timer by event time', () => {
  const times = [-1e12, -15_000, -10_000, -1, 0, 0.5, 1.999, start, 4e15]

  it.each(times)('set at %d fires when the stream has come so far, whatever happens', async (at) => {
    await using driver = testDriver({ objects: [kind(() => '10s', 'event')], partitions: 1 })
    for (const disaster of disasters) {
      await befall(driver, disaster)
      await driver.send(wishes, { who: 'ann', at })
      await driver.send(wishes, { who: 'bob', at: at + 9_998 })
      expect(firings(driver)).toEqual({})
    }
    await driver.crash('before-end')
    await driver.send(wishes, { who: 'bob', at: at + 10_001 })
    expect(firings(driver)).toEqual({ ann: Math.floor(at) + 10_000 })
  })
})

describe('when a timer is due', () => {
  const numbers = [NaN, Infinity, -Infinity, -1, -0.001, Number.MAX_SAFE_INTEGER, 1e300, latestTimeMs]
  const others = [1n, null, undefined, true, {}, [], Symbol('soon'), '5', 'soon', '-1s', '', Promise.resolve(5)]
  const invalid = [new Date(NaN), new Date(latestTimeMs + 1), new Date('soon')]

  const all: readonly unknown[] = [...numbers, ...others, ...invalid]

  it('is an error of the turn when it is no time', async () => {
    await using driver = testDriver({
      failures: 'expect',
      objects: [kind((who) => all[Number(who)] as Duration, 'processing')],
      partitions: 1,
    })
    await driver.sendAll(
      wishes,
      all.map((_when, i) => ({ who: String(i), at: start })),
    )
    await driver.advance('1h')
    expect(firings(driver)).toEqual({})
    const messages = driver
      .output(letters)
      .map(({ headers }) => Buffer.from(headers.get('millrace.error.message') ?? []).toString())
    expect(messages).toEqual(Array(all.length).fill(expect.stringMatching(/turn\.timer\('due'\): /)))
    const codes = driver.output(letters).map(({ headers }) => headers.get('millrace.error.code'))
    expect(codes).toEqual(Array(all.length).fill(Buffer.from('VALUE_INVALID')))
  })

  it.each([new Date(latestTimeMs), 8.6e15, '36500d'] as const)('may be as far away as %p', async (when) => {
    await using driver = testDriver({ objects: [kind(() => when, 'processing')], partitions: 1 })
    await driver.send(wishes, { who: 'ann', at: start })
    driver.loseDisk()
    await driver.crash()
    await driver.advance('30d')
    expect(firings(driver)).toEqual({})
    expect(driver.output(letters)).toEqual([])
  })
})

describe('in the turn of a timer', () => {
  const counts = z.object({ n: z.number() })

  it.each([
    ['0 ms', () => 0],
    ['a date that is past', () => new Date(-5)],
    ['the time at which it was due', (now: number) => new Date(now)],
  ])('nothing can be set for at once: %s is the next millisecond', async (_what, when) => {
    const eager = stateObject('eager', { state: counts, init: () => ({ n: 0 }) })
      .timers({ again: z.null() })
      .on(
        wishes,
        ({ who }) => who,
        (_state, _wish, turn) => turn.timer('again', 0, null),
      )
      .onTimer('again', (state, _payload, turn) => {
        state.n++
        turn.timer('again', when(turn.now), null)
      })
    await using driver = testDriver({ objects: [eager], partitions: 1 })
    await driver.send(wishes, { who: 'ann', at: start })
    expect(driver.state(eager, 'ann')).toEqual({ n: 1 })
    await driver.advance(3)
    expect(driver.state(eager, 'ann')!.n).toBeGreaterThan(1)
    expect(driver.state(eager, 'ann')!.n).toBeLessThan(6)
  })

  it('one by the other time counts from what that is now', async () => {
    const at = 1_000_000
    const both = stateObject('both', { state: counts, init: () => ({ n: 0 }) })
      .timers({ clock: z.null() })
      .timers({ stream: z.null() }, { time: 'event' })
      .on(
        wishes,
        ({ who }) => who,
        (_state, _wish, turn) => {
          if (turn.isNew) turn.timer('stream', '1s', null)
        },
      )
      .onTimer('stream', (state, _payload, turn) => {
        state.n += 1
        if (state.n === 1) turn.timer('clock', '1m', null)
      })
      .onTimer('clock', (state, _payload, turn) => {
        state.n += 10
        turn.timer('stream', '10s', null)
      })
    await using driver = testDriver({ objects: [both], partitions: 1 })
    await driver.send(wishes, { who: 'ann', at })
    await driver.send(wishes, { who: 'bob', at: at + 5_000 })
    expect(driver.state(both, 'ann')).toEqual({ n: 1 })
    await driver.advance('59s')
    expect(driver.state(both, 'ann')).toEqual({ n: 1 })
    await driver.advance('1s')
    expect(driver.state(both, 'ann')).toEqual({ n: 11 })
    await driver.send(wishes, { who: 'bob', at: at + 14_999 })
    expect(driver.state(both, 'ann')).toEqual({ n: 11 })
    await driver.send(wishes, { who: 'bob', at: at + 15_000 })
    expect(driver.state(both, 'ann')).toEqual({ n: 12 })
  })
})
