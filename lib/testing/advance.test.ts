import { z } from 'zod'
import { text } from '../codec/codec.js'
import { partitionOfKey } from '../log/murmur2.js'
import { stateObject } from '../model/state-object.js'
import { topic } from '../model/stream.js'
import { tumbling } from '../model/window.js'
import { testDriver } from './driver.js'

const orders = topic('orders', z.object({ id: z.string() }))
const said = topic('said', text())
const start = Date.UTC(2026, 0, 1)
const state = z.object({ n: z.number() })
const init = (): { n: number } => ({ n: 0 })
const key = ({ id }: { readonly id: string }): string => id

describe('advance', () => {
  it('runs a chain of timers, each at its time, and what is due to others in between', async () => {
    const clocks: number[] = []
    const chain = stateObject('chain', { state, init })
      .timers({ tick: z.null() })
      .on(orders, key, (_own, _order, turn) => turn.timer('tick', '10m', null))
      .onTimer('tick', (own, _payload, turn) => {
        clocks.push((turn.now - start) / 60_000)
        turn.emit(said, `tick ${(turn.now - start) / 60_000}`, { key: 'one' })
        if (++own.n < 5) turn.timer('tick', '10m', null)
      })
    const other = stateObject('other', { state, init })
      .timers({ once: z.null() })
      .on(orders, key, (_own, _order, turn) => turn.timer('once', '25m', null))
      .onTimer('once', (_own, _payload, turn) => turn.emit(said, 'once', { key: 'one' }))
    await using driver = testDriver({ objects: [chain, other], partitions: 3 })
    await driver.send(orders, { id: 'a' })
    await driver.advance('1h')
    expect(driver.emitted(said).map(({ value }) => value)).toEqual([
      'tick 10',
      'tick 20',
      'once',
      'tick 30',
      'tick 40',
      'tick 50',
    ])
    expect(driver.output(said).map(({ timestamp }) => (timestamp - start) / 60_000)).toEqual([10, 20, 25, 30, 40, 50])
  })

  it('runs all attempts of a turn, up to its dead letter', async () => {
    let attempts = 0
    const kind = stateObject('order', { state, init }).on(
      orders,
      { key, onError: { attempts: 5, backoff: '10s' } },
      () => {
        attempts++
        throw new Error('always')
      },
    )
    await using driver = testDriver({ objects: [kind], failures: 'expect' })
    await driver.send(orders, { id: 'a' })
    expect([attempts, driver.deadLetters().length]).toEqual([1, 0])
    await driver.advance('1h')
    expect([attempts, driver.deadLetters().length]).toEqual([5, 1])
  })

  it('ends in a crash on the way as it would without', async () => {
    const kind = stateObject('chain', { state, init })
      .timers({ tick: z.null() })
      .on(orders, key, (_own, _order, turn) => turn.timer('tick', '1m', null))
      .onTimer('tick', (own, _payload, turn) => {
        turn.emit(said, String(++own.n))
        if (own.n < 4) turn.timer('tick', '1m', null)
      })
    await using driver = testDriver({ objects: [kind] })
    await driver.send(orders, { id: 'a' })
    await driver.crash('before-end')
    await driver.advance('1d')
    expect(driver.emitted(said).map(({ value }) => value)).toEqual(['1', '2', '3', '4'])
    expect(driver.crashes).toBe(1)
  })

  it('closes windows when nothing comes any more, and runs what that leads to at its time', async () => {
    const clicks = topic('clicks', z.object({ id: z.string() }))
    const ends = topic('ends', z.object({ id: z.string() }))
    const window = stateObject('window', { state, init, window: tumbling('1m') })
      .on(clicks, key, (own) => void own.n++)
      .onClose((_own, turn) => turn.emit(ends, { id: turn.key }))
    const after = stateObject('after', { state, init })
      .timers({ due: z.null() })
      .on(ends, key, (_own, _end, turn) => turn.timer('due', '1m', null))
      .onTimer('due', (_own, _payload, turn) => turn.emit(said, `${turn.key} ${(turn.now - start) / 1_000}`))
    await using driver = testDriver({ objects: [window, after], partitions: 2 })
    const keyIn = (partition: number): string =>
      ['a', 'b', 'c', 'd', 'e', 'f'].find((each) => partitionOfKey(each, 2) === partition)!
    // The first holds back time, until it has been silent for five seconds.
    await driver.send(clicks, { id: 'a' }, { key: keyIn(0), timestamp: start - 3_600_000 })
    await driver.send(clicks, { id: 'a' }, { key: keyIn(1), timestamp: start })
    expect(driver.emitted(ends)).toEqual([])
    await driver.advance('10m')
    expect(driver.emitted(said).map(({ value }) => value)).toEqual(['a 65'])
  })
})
