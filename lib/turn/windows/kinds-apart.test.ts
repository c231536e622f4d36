import { z } from 'zod'
import type { Duration } from '../../core/duration.js'
import { stateObject, type AnyStateObject } from '../../model/state-object.js'
import { topic, type Topic } from '../../model/stream.js'
import { session, tumbling } from '../../model/window.js'
import { testDriver, type TestDriver } from '../../testing/driver.js'

interface Row {
  readonly of: string
  readonly at: number
}
const rowSchema = z.object({ of: z.string(), at: z.number() })
const minuteMs = 60_000
const closedSchema = z.object({
  of: z.string(),
  start: z.number(),
  end: z.number(),
  count: z.number(),
  now: z.number(),
})
const clicks = topic('clicks', rowSchema, { timestamp: ({ at }) => at })
const minutes = topic('minutes', closedSchema)
const fives = topic('fives', closedSchema)
const letters = topic('test-dlq', z.object({}))

/** Counts what it reads, in windows, and says so when they close. */
function counted(
  name: string,
  from: Topic<never>,
  size: Duration,
  to: Topic<z.output<typeof closedSchema>>,
  grace: Duration = 0,
): AnyStateObject {
  return stateObject(name, {
    state: z.object({ count: z.number() }),
    init: () => ({ count: 0 }),
    window: tumbling(size, { grace }),
  })
    .on(
      from as Topic<{ of: string }>,
      ({ of }) => of,
      (state) => {
        state.count++
      },
    )
    .onClose(({ count }, turn) => turn.emit(to, { of: turn.key, ...turn.window, count, now: turn.now }))
}

const late = (driver: TestDriver): number => driver.output(letters).length
const counts = (driver: TestDriver, of: Topic<z.output<typeof closedSchema>>): number[] =>
  driver.output(of).map(({ value }) => value?.count ?? -1)

describe('windows of five minutes, of what windows of a minute give when they close', () => {
  const objects = [
    counted('minute', clicks as Topic<never>, '1m', minutes),
    counted('five', minutes as Topic<never>, '5m', fives),
  ]
  const all: readonly Row[] = Array.from({ length: 16 }, (_, i) => ({ of: 'ann', at: i * minuteMs + 1_000 }))

  it('have each row in the window that its minute is in, when they come one by one', async () => {
    await using driver = testDriver({ objects, partitions: 1 })
    for (const each of all) await driver.send(clicks, each)
    expect(late(driver)).toBe(0)
    expect(counts(driver, minutes)).toEqual(Array(15).fill(1))
    expect(counts(driver, fives)).toEqual([5, 5])
  })

  it('the same of a backlog, and after crashes', async () => {
    await using driver = testDriver({ objects, partitions: 1 })
    await driver.sendAll(clicks, all.slice(0, 7))
    await driver.crash('before-end')
    await driver.sendAll(clicks, all.slice(7))
    driver.loseDisk()
    await driver.crash()
    await driver.send(clicks, { of: 'bob', at: 20 * minuteMs })
    expect(late(driver)).toBe(0)
    expect(counts(driver, minutes)).toEqual(Array(16).fill(1))
    expect(counts(driver, fives)).toEqual([5, 5, 5])
  })
})

describe('the time of a kind', () => {
  const ahead = topic('ahead', rowSchema, { timestamp: ({ at }) => at })

  it('does not go by what others read: neither is anything late nor held open', async () => {
    const objects = [
      counted('slow', clicks as Topic<never>, '1m', minutes),
      counted('fast', ahead as Topic<never>, '1m', fives),
    ]
    await using driver = testDriver({ objects, partitions: 1 })
    for (let i = 0; i < 20; i++) {
      await driver.send(ahead, { of: 'ann', at: (60 + i) * minuteMs })
      await driver.send(clicks, { of: 'ann', at: i * minuteMs })
    }
    expect(late(driver)).toBe(0)
    expect(counts(driver, minutes)).toEqual(Array(19).fill(1))
    expect(counts(driver, fives)).toEqual(Array(19).fill(1))
  })
})

describe('what a window emits when it closes', () => {
  const merge = (a: { count: number }): { count: number } => a
  const windows = { tumbling: tumbling('1m', { grace: '10s' }), session: session('1m', { merge, grace: '10s' }) }
  const ends = { tumbling: [60_000, 240_000], session: [80_000, 260_000] }

  it.each([
    ['tumbling', false],
    ['tumbling', true],
    ['session', false],
    ['session', true],
  ] as const)(
    'is of its last millisecond, and the turn of its end and grace: %s, asynchronous: %p',
    async (name, isAsync) => {
      const kind = stateObject('minute', {
        state: z.object({ count: z.number() }),
        init: () => ({ count: 0 }),
        window: windows[name] as never,
      })
        .on(clicks, ({ of }) => of, (async () => (isAsync ? Promise.resolve() : undefined)) as never)
        .onClose(((_state: unknown, turn: never) => {
          const { window, key, now, emit } = turn as unknown as {
            window: { start: number; end: number }
            key: string
            now: number
            emit: (to: unknown, value: unknown) => void
          }
          const close = (): void => emit.call(turn, minutes, { of: key, ...window, count: 0, now })
          return isAsync ? Promise.resolve().then(close) : close()
        }) as never)
      await using driver = testDriver({ objects: [kind as unknown as AnyStateObject], partitions: 1 })
      await driver.send(clicks, { of: 'ann', at: 1_000 })
      const times = [5_000, 20_000, 200_000, 1_000_000]
      await driver.sendAll(
        clicks,
        times.map((at) => ({ of: 'ann', at })),
      )
      const seen = driver.output(minutes).map(({ value, timestamp }) => [value?.end, value?.now, timestamp])
      expect(seen).toEqual(ends[name].map((end) => [end, end + 10_000, end - 1]))
    },
  )
})
