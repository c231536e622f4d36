import { bytes, stateObject, text, topic, tumbling } from 'millrace'
import { testDriver, type TestDriver } from 'millrace/testing'
import { z } from 'zod'

const start = Date.UTC(2026, 0)
const minuteMs = 60_000
const click = z.object({ user: z.string(), at: z.number(), emits: z.boolean().optional() })
const clicks = topic('clicks', click, { timestamp: ({ at }) => at })
const out = topic('out', text())
const rows = topic('rows', z.number())
const letters = topic('test-dlq', bytes())
const state = z.object({ count: z.number() })
const init = (): { count: number } => ({ count: 0 })
const onError = { attempts: 2, backoff: '1ms' } as const

const wrong = [
  ['microseconds', start * 1000],
  ['seconds', start / 1000],
] as const

const messages = (driver: TestDriver): string[] =>
  driver.output(letters).map(({ headers }) => Buffer.from(headers.get('millrace.error.message') ?? []).toString())

describe.each(wrong)('event time in %s', (unit, at) => {
  it('does no harm to timers, lives and rows of objects without windows', async () => {
    const fired: [key: string, now: number][] = []
    const kind = stateObject('kind', { state, init, ttl: '1d' })
      .timers({ due: z.null() }, { time: 'event' })
      .on(clicks, { key: ({ user }) => user, onError }, (own, { emits }, turn) => {
        own.count++
        turn.timer('due', '1m', null)
        if (emits === true) turn.emit(out, 'x')
      })
      .onTimer('due', (_own, _payload, turn) => void fired.push([turn.key, turn.now]))
      .publish(rows, ({ count }) => count)
    await using driver = testDriver({ failures: 'expect', objects: [kind], partitions: 1, now: start })
    await driver.send(clicks, { user: 'a', at: start })
    await driver.send(clicks, { user: 'bad', at })
    await driver.send(clicks, { user: 'emitting', at, emits: true })
    await driver.crash()
    expect(fired.filter(([key]) => key === 'a')).toEqual([])

    await driver.advance('2m')
    await driver.send(clicks, { user: 'b', at: start + 2 * minuteMs })
    await driver.advance('1m')
    expect(fired.filter(([key]) => key === 'a')).toEqual([['a', start + minuteMs]])
    expect(driver.output(rows).map(({ key }) => key)).toEqual(expect.arrayContaining(['a', 'bad', 'b']))
    for (const { timestamp } of driver.output(rows)) expect(Math.abs(timestamp - start)).toBeLessThan(10 * minuteMs)
    // What is emitted has the time of its record unless told otherwise, which topics refuse when it is ahead of the clock.
    const refused = messages(driver).filter((each) => each.includes('turn.emit to out'))
    expect(refused).toHaveLength(at > start ? 1 : 0)
    for (const message of refused) expect(message).toContain(`It looks like ${unit} (2026-01-01T00:00:00.000Z)`)

    await driver.advance('2d')
    expect(driver.state(kind, 'bad')).toBeUndefined()
    expect(driver.state(kind, 'b')).toBeUndefined()
  })

  it('is guessed in the dead letter of a record for windows', async () => {
    const kind = stateObject('kind', { state, init, window: tumbling('1m') }).on(
      clicks,
      () => 'all',
      (own) => void own.count++,
    )
    await using driver = testDriver({ failures: 'expect', objects: [kind], partitions: 1, now: start })
    await driver.send(clicks, { user: 'a', at: start })
    await driver.send(clicks, { user: 'bad', at })
    await driver.send(clicks, { user: 'b', at: start + 1000 })
    expect(messages(driver)).toEqual([expect.stringContaining(`It looks like ${unit} (2026-01-01T00:00:00.000Z)`)])
  })
})
