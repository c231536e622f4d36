import { z } from 'zod'
import { Instance } from '../../test/instances.js'
import { app, flows, Sent, words } from '../../test/word-app.js'
import { systemClock } from '../core/clock.js'
import { memoryLog } from '../memory/memory-log.js'
import { stateObject } from '../model/state-object.js'
import { topic } from '../model/stream.js'
import { memoryFolder } from '../store/memory/memory-folder.js'
import type { StoreFolder } from '../store/store.js'
import { drained } from './drain.js'
import { CommittedState } from './state-reader.js'

/** Stores of this folder take until `release` to be closed. */
function slowToClose(folder: StoreFolder, release: Promise<void>): StoreFolder {
  return new Proxy(folder, {
    get(target, name) {
      if (name !== 'open') {
        const member: unknown = Reflect.get(target, name, target)
        return typeof member === 'function' ? (member.bind(target) as unknown) : member
      }
      return async (...args: Parameters<StoreFolder['open']>) => {
        const store = await target.open(...args)
        const close = store.close.bind(store)
        return Object.assign(store, { close: () => release.then(close) })
      }
    },
  })
}

describe('an instance that is stopped', () => {
  it('does not keep its group waiting for its stores, and closes them all the same', async () => {
    const log = memoryLog({ partitions: 4 })
    const sent = new Sent(log)
    let release = (): void => undefined
    const released = new Promise<void>((resolve) => (release = resolve))
    const folder = memoryFolder()
    const leaving = new Instance({ app, log, objects: [words], flows, folder: slowToClose(folder, released) })
    await leaving.engine.start()
    await sent.send(['a', 'b', 'c', 'd', 'e'].map((word) => ({ word, lane: word, drop: false })))
    while (leaving.engine.stats.turns < 5) await new Promise(setImmediate)
    let stopped = false
    const stopping = leaving.engine.stop(5_000).then(() => (stopped = true))

    const staying = new Instance({ app, log, objects: [words], flows })
    await staying.engine.start()
    while (staying.engine.parts.tasks.running.size < 4) await new Promise((resolve) => setTimeout(resolve, 5))
    expect(stopped).toBe(false)
    release()
    await stopping
    expect(leaving.engine.health).toMatchObject({ live: false, state: 'closed' })
    await staying.engine.stop(1_000)
  })

  it.each([
    ['is waited for when it ends in time', 5_000, 50, [], 1],
    ['is cut off when its time is up, and its signal says so', 50, 60_000, ['TURN_CUT_OFF'], 2],
  ] as const)('an asynchronous turn %s', async (_what, timeoutMs, takesMs, reasons, runs) => {
    const calls = topic('calls', z.string())
    const found: unknown[] = []
    let begun = 0
    const call = stateObject('call', { state: z.object({ n: z.number() }), init: () => ({ n: 0 }) }).on(
      calls,
      (id) => id,
      async (state, _id, { signal }) => {
        begun++
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, takesMs)
          signal.addEventListener('abort', () => {
            found.push((signal.reason as { code: string }).code)
            clearTimeout(timer)
            resolve()
          })
        })
        state.n++
      },
    )
    const log = memoryLog({ partitions: 1 })
    await log.send(calls, ['a'])
    const { engine } = new Instance({ app, log, objects: [call] })
    await engine.start()
    while (begun === 0) await systemClock.sleep(1)
    await engine.stop(timeoutMs)
    expect(found).toEqual(reasons)
    // What was cut off has had no effect: it is done by whoever comes next.
    const next = new Instance({ app, log, objects: [call] })
    await next.engine.start()
    if (runs === 1) await drained(next.engine)
    while (begun < runs) await systemClock.sleep(1)
    expect(begun).toBe(runs)
    expect(await new CommittedState(next.engine, call).get('a')).toEqual(runs === 1 ? { n: 1 } : undefined)
    await next.engine.stop(10)
  })
})
