import { z } from 'zod'
import { silentLogger } from '../core/logger.js'
import { stateObject } from '../model/state-object.js'
import { topic } from '../model/stream.js'
import type { App } from './app.js'
import { createApp } from './create-app.js'
import { memoryLog, type MemoryLogOptions } from './logs.js'

const orders = topic('orders', z.object({ id: z.string(), n: z.number() }))

const order = stateObject('order', { state: z.object({ n: z.number() }), init: () => ({ n: 0 }) }).on(
  orders,
  { key: ({ id }) => id, onError: { attempts: 1 } },
  (state, { n }) => {
    if (n < 0) throw new Error('negative')
    state.n += n
  },
)

const world = (options: MemoryLogOptions) => {
  const log = memoryLog(options)
  const app = (): App => createApp({ id: 'shop', objects: [order], log, createTopics: true, logger: silentLogger })
  return { log, app }
}

const keysOf = async (app: App): Promise<readonly string[]> => {
  const keys: string[] = []
  for await (const { key } of app.quarantined()) keys.push(key)
  return keys.sort()
}

describe('objects in quarantine', () => {
  it('are counted by health and stats, listed, and released by their kind or its name', async () => {
    const { log, app: make } = world({ partitions: 2 })
    await log.send(orders, [
      { id: 'a', n: -1 },
      { id: 'b', n: 1 },
      { id: 'c', n: -1 },
    ])
    await using app = make()
    await app.start()
    await app.drained()
    expect(app.health()).toMatchObject({ ready: true, quarantined: 2, deadLetters: 2, retries: 0 })
    expect(app.health().needsOperator).toEqual([
      expect.stringMatching(/^2 objects are in quarantine here/),
      expect.stringMatching(/^2 dead letters were written here in the last hour/),
    ])
    expect(app.stats()).toMatchObject({ quarantined: 2, deadLetters: 2 })
    expect(await keysOf(app)).toEqual(['a', 'c'])
    expect(await app.release(order, 'a')).toBe(true)
    expect(await app.release('order', 'a')).toBe(false)
    expect(app.health().quarantined).toBe(1)
    await log.send(orders, [{ id: 'a', n: 5 }])
    await app.drained()
    expect(await app.state(order).get('a')).toEqual({ n: 5 })
    expect(await keysOf(app)).toEqual(['c'])
  })

  it('are those of the tasks that run here: others are released there', async () => {
    const { log, app: make } = world({ partitions: 4 })
    await using one = make()
    await using other = make()
    await Promise.all([one.start(), other.start()])
    const ids = Array.from({ length: 20 }, (_, i) => `o${i}`)
    await log.send(
      orders,
      ids.map((id) => ({ id, n: -1 })),
    )
    await Promise.all([one.drained(), other.drained()])
    const [mine, theirs] = [await keysOf(one), await keysOf(other)]
    expect([...mine, ...theirs].sort()).toEqual([...ids].sort())
    expect(mine.length).toBeGreaterThan(0)
    expect(theirs.length).toBeGreaterThan(0)
    await expect(one.release(order, theirs[0]!)).rejects.toMatchObject({ code: 'KEY_ELSEWHERE' })
    expect(await other.release(order, theirs[0]!)).toBe(true)
  })

  it('cannot be asked for when the app does not run', async () => {
    const { app: make } = world({ partitions: 1 })
    const app = make()
    expect(() => app.quarantined()).toThrow(expect.objectContaining({ code: 'APP_CLOSED' }))
    await expect(app.release(order, 'a')).rejects.toMatchObject({ code: 'APP_CLOSED' })
    await app.start()
    await app.close()
    await expect(app.release(order, 'a')).rejects.toMatchObject({ code: 'APP_CLOSED' })
    expect(app.health().quarantined).toBe(0)
  })
})
