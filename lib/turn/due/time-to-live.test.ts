import { z } from 'zod'
import { Instance } from '../../../test/instances.js'
import { systemClock } from '../../core/clock.js'
import { memoryLog, type MemoryLog } from '../../memory/memory-log.js'
import { readRaw } from '../../../test/raw-records.js'
import { stateObject, type StateObject } from '../../model/state-object.js'
import { topic } from '../../model/stream.js'
import { drained } from '../../runtime/drain.js'
import { Driver } from '../../testing/driver.js'

const visits = topic('visits', z.object({ user: z.string(), ends: z.boolean() }))
const rows = topic('rows', z.number())
const hour = 3_600_000

const visited = (ttl: string | undefined): StateObject<'visited', { n: number }> =>
  stateObject('visited', {
    state: z.object({ n: z.number() }),
    init: () => ({ n: 0 }),
    ...(ttl !== undefined && { ttl: ttl as '1h' }),
  })
    .on(
      visits,
      ({ user }) => user,
      (state, { ends }, turn) => {
        state.n++
        if (ends) turn.delete()
      },
    )
    .publish(rows, ({ n }) => n)

describe('the time to live', () => {
  it('begins anew for an object that is made again, however soon', async () => {
    const kind = visited('1h')
    await using driver = new Driver({ objects: [kind] })
    await driver.send(visits, { user: 'ann', ends: false })
    await driver.send(visits, { user: 'ann', ends: true })
    await driver.advance('1m')
    await driver.send(visits, { user: 'ann', ends: false })
    await driver.advance('1h')
    expect(driver.state(kind, 'ann')).toEqual({ n: 1 })
    await driver.advance('10m')
    expect(driver.state(kind, 'ann')).toBeUndefined()
  })

  it('leaves nothing behind of an object that is deleted before', async () => {
    await using driver = new Driver({ objects: [visited('1h')] })
    await driver.send(visits, { user: 'ann', ends: false })
    await driver.send(visits, { user: 'ann', ends: true })
    const last = (await readRaw(driver.log, 'test-timers')).at(-1)
    expect(last?.value).toBeNull()
  })

  it.each([
    ['taken out', undefined, 100 * hour, true],
    ['made longer', '3h', 2 * hour, true],
    ['made longer, and has passed', '3h', 4 * hour, false],
    ['made shorter, as it stood when the object was touched', '1m', hour / 2, true],
    ['the same', '1h', 2 * hour, false],
  ] as const)('of a program is what counts: %s', async (_what, ttl, laterMs, stays) => {
    const log = memoryLog({ partitions: 1 })
    let now = Date.UTC(2026, 0, 1)
    const clock = { ...systemClock, now: () => now }
    await log.send(visits, [{ user: 'ann', ends: false }])
    await run(log, visited('1h'), clock)
    now += laterMs
    await run(log, visited(ttl), clock)
    const last = (await readRaw(log, 'rows')).at(-1)
    expect(last?.value !== null).toBe(stays)
  })
})

async function run(log: MemoryLog, kind: ReturnType<typeof visited>, clock: typeof systemClock): Promise<void> {
  const { engine } = new Instance({ app: 'app', log, objects: [kind], engine: { clock } })
  await engine.start()
  await drained(engine)
  await engine.stop(1_000)
}
