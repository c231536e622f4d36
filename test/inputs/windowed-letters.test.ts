import { hopping, session, stateObject, text, topic, tumbling } from 'millrace'
import { testDriver } from 'millrace/testing'
import { z } from 'zod'
import { untilGivenUp } from '../given-up.js'

const lines = topic('lines', text())
const out = topic('out', text())
const letters = topic('test-dlq', text())
const schema = z.object({ n: z.number() })
const merge = (earlier: { n: number }, later: { n: number }): { n: number } => ({ n: earlier.n + later.n })

const windows = [
  ['tumbling', tumbling('1m'), 1],
  ['hopping', hopping('1m', { every: '30s' }), 2],
  ['session', session<{ n: number }>('1m', { merge }), 1],
] as const

describe.each(windows)('letters of a window: %s', (_name, window, times) => {
  it.each(['a record', 'closing'])('are replayed into it, though it would be late: %s', async (what) => {
    let isBroken = true
    const kind = stateObject('o', { state: schema, init: () => ({ n: 0 }), window: window as never })
      .on(lines, { key: (line) => line, onError: { attempts: 1 } }, (state) => {
        state.n++
        if (isBroken && what === 'a record') throw new Error('not yet')
      })
      .onClose((state, turn) => {
        if (isBroken && what === 'closing') throw new Error('not yet')
        turn.emit(out, `${turn.key} ${state.n}`)
      })
    await using driver = testDriver({ failures: 'expect', objects: [kind], partitions: 3 })
    const keys = ['a', 'b', 'c', 'd', 'e']
    await driver.sendAll(lines, keys)
    await driver.advance('10m')
    // Time goes on in all partitions.
    await driver.sendAll(lines, keys)
    await untilGivenUp(driver)
    await driver.crash()
    const failed = driver.output(letters).length
    expect(failed).toBeGreaterThan(0)
    isBroken = false
    const report = await driver.replayDeadLetters()
    expect(report).toMatchObject({ replayed: failed, left: 0 })
    await driver.crash()
    await driver.advance('10m')
    await driver.sendAll(lines, keys)
    await driver.advance('1m')
    expect(driver.output(letters)).toHaveLength(failed)
    const first = driver.output(out).map(({ value }) => value)
    for (const key of keys) expect(first.filter((value) => value === `${key} 1`).length).toBeGreaterThanOrEqual(times)
  })
})
