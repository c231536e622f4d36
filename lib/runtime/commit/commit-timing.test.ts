import { z } from 'zod'
import { Instance } from '../../../test/instances.js'
import { systemClock } from '../../core/clock.js'
import { memoryLog } from '../../memory/memory-log.js'
import { stateObject } from '../../model/state-object.js'
import { topic } from '../../model/stream.js'
import { drained } from '../drain.js'

const calls = topic('calls', z.object({ id: z.string() }))
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

async function running(engine: object): Promise<{ log: ReturnType<typeof memoryLog>; instance: Instance }> {
  const log = memoryLog({ partitions: 1 })
  await log.send(calls, [])
  const instance = new Instance({
    log,
    objects: [counter],
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
