import { z } from 'zod'
import { Instance } from '../../../test/instances.js'
import { systemClock } from '../../core/clock.js'
import { memoryLog } from '../../memory/memory-log.js'
import { stateObject } from '../../model/state-object.js'
import { topic } from '../../model/stream.js'
import { drained } from '../drain.js'

const calls = topic('calls', z.object({ id: z.string() }))
const waited = topic('waited', z.object({ id: z.string() }))
const counts = topic('counts', z.object({ count: z.number() }))

const counter = stateObject('counter', { state: z.object({ count: z.number() }), init: () => ({ count: 0 }) }).on(
  calls,
  ({ id }) => id,
  (state, _call, turn) => {
    state.count++
    turn.emit(counts, { count: state.count })
  },
)

const anHour = 3_600_000

async function running(
  engine: object,
  objects = [counter],
): Promise<{ log: ReturnType<typeof memoryLog>; instance: Instance }> {
  const log = memoryLog({ partitions: 1 })
  await log.send(calls, [])
  await log.send(waited, [])
  const instance = new Instance({
    log,
    objects,
    engine: { clock: systemClock, commitIntervalMs: anHour, commitLingerMs: 10, ...engine },
  })
  await instance.engine.start()
  return { log, instance }
}

describe('commits', () => {
  it('are made while records trickle in, however long the interval is', async () => {
    const { log, instance } = await running({})
    const before = instance.engine.stats.commits
    for (let n = 0; n < 300; n++) {
      await log.send(calls, [{ id: 'a' }])
      await systemClock.sleep(1)
    }
    expect(instance.engine.stats.commits - before).toBeGreaterThan(2)
    await drained(instance.engine)
    await instance.engine.stop(1_000)
  })

  it.each([3, 60])('are made beside turns that take %i ms, of which some are always under way', async (ms) => {
    const begun = { count: 0 }
    const slow = stateObject('slow', { state: z.object({ count: z.number() }), init: () => ({ count: 0 }) }).on(
      waited,
      ({ id }) => id,
      async (state) => {
        begun.count++
        await systemClock.sleep(ms)
        state.count++
      },
    )
    const { log, instance } = await running({}, [counter, slow as never])
    for (let n = 0; begun.count < 100; n++) {
      await log.send(waited, [{ id: String(n) }])
      await systemClock.sleep(1)
    }
    const before = instance.engine.stats.commits
    const begunBefore = begun.count
    while (begun.count < begunBefore + 400) {
      await log.send(calls, [{ id: 'a' }])
      await log.send(waited, [{ id: String(begun.count) }])
      await systemClock.sleep(1)
    }
    expect(instance.engine.stats.commits - before).toBeGreaterThan(15)
    await drained(instance.engine)
    await instance.engine.stop(1_000)
  })

  it('are not made by a member that has nothing to do', async () => {
    const { log, instance } = await running({})
    await log.send(calls, [{ id: 'a' }])
    await drained(instance.engine)
    const { commits } = instance.engine.stats
    await systemClock.sleep(200)
    expect(instance.engine.stats.commits).toBe(commits)
    await instance.engine.stop(1_000)
  })

  it('are so far apart at least as is said', async () => {
    const { log, instance } = await running({ commitLingerMs: anHour })
    await log.send(calls, [{ id: 'a' }])
    while (instance.engine.stats.turns < 1) await systemClock.sleep(1)
    const { commits } = instance.engine.stats
    await log.send(calls, [{ id: 'a' }])
    while (instance.engine.stats.turns < 2) await systemClock.sleep(1)
    await systemClock.sleep(50)
    expect(instance.engine.stats.commits).toBe(commits)
    await instance.engine.stop(1_000)
  })
})
