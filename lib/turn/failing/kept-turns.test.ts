import { z } from 'zod'
import { stateObject } from '../../model/state-object.js'
import { topic } from '../../model/stream.js'
import { tumbling } from '../../model/window.js'
import { testDriver } from '../../testing/driver.js'
import { text } from '../../codec/codec.js'
import { untilGivenUp } from '../../../test/given-up.js'

const lists = topic('lists', z.object({ id: z.string(), items: z.array(z.string()) }))
const out = topic('out', text())
const dlq = topic('test-dlq', text())
const state = z.object({ items: z.array(z.string()) })
const init = (): z.infer<typeof state> => ({ items: [] })

/** Takes everything out of a list. */
function drain(from: string[], to: string[]): void {
  for (let item = from.shift(); item !== undefined; item = from.shift()) to.push(item)
}

describe('another attempt', () => {
  it.each(['in place', 'after a hop'])('of a record has its value as it was read, %s', async (where) => {
    let attempts = 0
    const kind = stateObject('list', { state, init }).on(
      lists.map((value) => ({ ...value, made: new Map([[value.id, value.items]]) })),
      {
        key: ({ id }) => id,
        route: where === 'in place' ? 'auto' : 'shuffle',
        onError: { attempts: 4, backoff: '1s' },
      },
      (own, { id, made }) => {
        drain(made.get(id) as string[], own.items)
        if (++attempts < 4) throw new Error('not yet')
      },
    )
    await using driver = testDriver({ failures: 'expect', objects: [kind], partitions: 1 })
    await driver.send(lists, { id: 'a', items: ['x', 'y'] })
    await driver.advance('1s')
    await driver.crash()
    await driver.advance('2s')
    await driver.advance('4s')
    expect(driver.state(kind, 'a')).toEqual({ items: ['x', 'y'] })
    expect(attempts).toBe(4)
  })

  it('of a timer has what it carries as it was set', async () => {
    const left: number[] = []
    const kind = stateObject('list', { state, init })
      .timers({ later: z.array(z.string()) })
      .on(
        lists,
        ({ id }) => id,
        (_own, { items }, turn) => turn.timer('later', '1s', items),
      )
      .onTimer('later', (own, items) => {
        left.push(items.length)
        drain(items as string[], own.items)
        if (left.length < 4) throw new Error('not yet')
      })
    await using driver = testDriver({ failures: 'expect', objects: [kind], partitions: 1 })
    // Once as it stands in the row, and once too long for it.
    for (const [id, length] of [
      ['a', 1],
      ['b', 2_000],
    ] as const) {
      left.length = 0
      await driver.send(lists, { id, items: ['x'.repeat(length), 'y'] })
      await driver.advance('1s')
      await driver.crash()
      await driver.advance('10s')
      await driver.advance('10s')
      await driver.advance('10s')
      expect(left).toEqual([2, 2, 2, 2])
      expect(driver.state(kind, id)).toEqual({ items: ['x'.repeat(length), 'y'] })
    }
  })

  it('of a timer that fails for good leaves a letter with what it carried, and is replayed', async () => {
    let fails = true
    const kind = stateObject('list', { state, init })
      .timers({ later: z.array(z.string()) })
      .on(
        lists,
        ({ id }) => id,
        (_own, { items }, turn) => turn.timer('later', '1s', items),
      )
      .onTimer('later', (own, items) => {
        drain(items as string[], own.items)
        if (fails) throw new Error('never')
      })
    await using driver = testDriver({ failures: 'expect', objects: [kind], partitions: 1 })
    await driver.send(lists, { id: 'a', items: ['x', 'y'] })
    await untilGivenUp(driver)
    expect(driver.output(dlq).map(({ key, value }) => [key, value])).toEqual([['a', '["x","y"]']])
    fails = false
    expect(await driver.replayDeadLetters()).toMatchObject({ replayed: 1, objects: 1, left: [] })
    expect(driver.state(kind, 'a')).toEqual({ items: ['x', 'y'] })
  })

  it('of a window that closes is made as of any turn', async () => {
    let attempts = 0
    const timed = topic('timed', z.object({ id: z.string(), at: z.number() }), { timestamp: ({ at }) => at })
    const start = Date.UTC(2026, 0, 1)
    const kind = stateObject('list', { state, init, window: tumbling('1m') })
      .on(
        timed,
        ({ id }) => id,
        (own, { at }) => void own.items.push(String(at)),
      )
      .onClose((own, turn) => {
        turn.emit(out, own.items.join(), { timestamp: start })
        if (++attempts < 3) throw new Error('not yet')
      })
    await using driver = testDriver({ failures: 'expect', objects: [kind], partitions: 1 })
    await driver.send(timed, { id: 'a', at: start })
    await driver.send(timed, { id: 'a', at: start + 120_000 })
    await driver.advance('1s')
    await driver.crash()
    await driver.advance('10s')
    expect(driver.output(out).map(({ value }) => value)).toEqual([String(start)])
    expect(attempts).toBe(3)
  })
})
