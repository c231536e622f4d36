import { z } from 'zod'
import { Instance } from '../../test/instances.js'
import { systemClock, type Clock } from '../core/clock.js'
import { memoryLog } from '../memory/memory-log.js'
import { stateObject, type AnyStateObject } from '../model/state-object.js'
import { topic } from '../model/stream.js'
import { drained } from './drain.js'

const orders = topic('orders', z.object({ id: z.string(), sets: z.boolean() }))

/** What had its turn, in order: `r` of a record, `t` of a timer. */
type Turns = string[]

/** A clock on which each turn takes a part of a millisecond, beside the time that really passes. */
function slowTurns(turns: Turns, msPerTurn: number): Clock {
  const taken = (): number => turns.length * msPerTurn
  return {
    ...systemClock,
    now: () => Math.floor(systemClock.now() + taken()),
    elapsed: () => systemClock.elapsed() + taken(),
  }
}

/** Objects whose timer is due again as soon as it has fired, until `until` says so. */
function restless(turns: Turns, isAsync: boolean, until: () => boolean): AnyStateObject {
  return stateObject('restless', { state: z.object({}), init: () => ({}) })
    .timers({ again: z.null() })
    .on(
      orders,
      ({ id }) => id,
      (_state, { sets }, turn) => {
        turns.push('r')
        if (sets) turn.timer('again', 0, null)
      },
    )
    .onTimer('again', (_state, _payload, turn) => {
      const again = (): void => {
        turns.push('t')
        if (!until()) turn.timer('again', 0, null)
      }
      return isAsync ? new Promise<void>((resolve) => setImmediate(resolve)).then(again) : again()
    })
}

const count = (turns: Turns, what: string): number => turns.filter((each) => each === what).length

async function run(isAsync: boolean, objects: number, records: number): Promise<Turns> {
  const turns: Turns = []
  const log = memoryLog({ partitions: 2 })
  const all = objects + records
  const kind = restless(turns, isAsync, () => count(turns, 'r') >= all)
  await log.admin.create([{ name: 'orders', partitions: 2, replicationFactor: -1, configs: {} }])
  const instance = new Instance({ log, objects: [kind], engine: { clock: slowTurns(turns, 0.1) } })
  await instance.engine.start()
  const sent = Array.from({ length: all }, (_, i) => ({ id: String(i), sets: i < objects }))
  await log.send(orders, sent, { key: ({ id }) => id })
  await drained(instance.engine)
  await instance.engine.stop(1_000)
  return turns
}

/** The longest run of turns of one sort while there were some of both. */
function longestRun(turns: Turns, what: string): number {
  const contended = turns.slice(turns.indexOf('t'), turns.lastIndexOf('r') + 1).join('')
  return Math.max(...contended.split(what === 'r' ? 't' : 'r').map((each) => each.length))
}

describe('timers that are always due, and a backlog', () => {
  it.each([
    ['handlers that return', false],
    ['handlers that wait', true],
  ])('share the time: %s', async (_what, isAsync) => {
    const turns = await run(isAsync, 300, 3_000)
    expect(count(turns, 'r')).toBe(3_300)
    // Of synchronous turns a slice takes 64 records and more, and what is due for half of its time; of asynchronous ones 256.
    const most = isAsync ? 1_000 : 200
    expect(longestRun(turns, 't')).toBeLessThan(most)
    expect(longestRun(turns, 'r')).toBeLessThan(most)
  })
})
