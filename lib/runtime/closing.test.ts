import { Instance } from '../../test/instances.js'
import { app, flows, Sent, words } from '../../test/word-app.js'
import { memoryLog } from '../memory/memory-log.js'
import { memoryFolder } from '../store/memory/memory-folder.js'
import type { StoreFolder } from '../store/store.js'

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
})
