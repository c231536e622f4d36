import { Instance } from '../../../test/instances.js'
import { app, flows, inputs, Sent, stateOf, words } from '../../../test/word-app.js'
import { systemClock, type Clock } from '../../core/clock.js'
import { memoryLog, type MemoryLog } from '../../memory/memory-log.js'
import { drained } from '../drain.js'
import { grow, mostOf } from './growth.js'
import type { Task } from '../tasks/task.js'
import type { Topology } from '../setup/topology.js'

/** What happens every few seconds happens a hundred times as often. */
const hastyClock: Clock = { ...systemClock, every: (ms, tick) => systemClock.every(ms / 100, tick) }

const start = async (log: MemoryLog): Promise<Instance> => {
  const instance = new Instance({ app, log, objects: [words], flows, engine: { clock: hastyClock } })
  await instance.engine.start()
  return instance
}

/** Names of words and lanes as the tests of the app want them; a lane stays in one partition. */
const round = (lanes: string): Parameters<Sent['send']>[0] =>
  ['a', 'b', 'c', 'd', 'e'].flatMap((word) =>
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map((lane) => ({ word, lane: `${lanes}${lane}`, drop: false })),
  )

const tasksOf = ({ engine }: Instance): ReadonlyMap<number, Task> => new Map(engine.parts.tasks.running)

async function until(test: () => boolean): Promise<void> {
  const deadline = Date.now() + 5_000
  while (!test()) {
    if (Date.now() > deadline) throw new Error(`it did not happen: ${test.toString()}`)
    await systemClock.sleep(2)
  }
}

describe('a source that gains partitions', () => {
  it('is read with all of them by members that were there, each record once', async () => {
    const log = memoryLog({ partitions: 2 })
    const sent = new Sent(log)
    await sent.send(round('old'))
    const [one, two] = [await start(log), await start(log)]
    await log.grow(inputs.name, 5)
    await sent.send(round('new'))
    await until(() => tasksOf(one).size + tasksOf(two).size === 5)
    // Each for itself: of the other's last commit one knows before the other does.
    await Promise.all([drained(one.engine), drained(two.engine)])
    expect(await sent.faults(await stateOf([one.engine, two.engine]))).toEqual([])
    await Promise.all([one.engine.stop(1_000), two.engine.stop(1_000)])
  })

  it('has them read before drained() resolves, although nobody had seen them', async () => {
    const log = memoryLog({ partitions: 2 })
    const sent = new Sent(log)
    const instance = new Instance({ app, log, objects: [words], flows })
    await sent.send(round('old'))
    await instance.engine.start()
    await log.grow(inputs.name, 4)
    await sent.send(round('new'))
    await drained(instance.engine)
    expect(await sent.faults(await stateOf([instance.engine]))).toEqual([])
    await instance.engine.stop(1_000)
  })

  it('leaves running what gained nothing, and takes over anew what did', async () => {
    const log = memoryLog({ partitions: 4 })
    await log.admin.create([{ name: inputs.name, partitions: 2, replicationFactor: -1, configs: {} }])
    await log.admin.create(
      ['changelog', 'inbox'].map((what) => ({
        name: `${app}-word-${what}`,
        partitions: 3,
        replicationFactor: -1,
        configs: what === 'inbox' ? {} : { 'cleanup.policy': 'compact' },
      })),
    )
    const instance = await start(log)
    const before = tasksOf(instance)
    expect([...before.keys()].sort()).toEqual([0, 1, 2])
    await log.grow(inputs.name, 4)
    await until(() => tasksOf(instance).size === 4 && instance.engine.health.ready)
    const after = tasksOf(instance)
    expect([0, 1, 2].map((task) => after.get(task) === before.get(task))).toEqual([true, true, false])
    expect([...after.get(2)!.positions.keys()]).toContain(inputs.name)
    expect(after.get(3)?.state).toBeUndefined()
    await instance.engine.stop(1_000)
  })

  it('makes a member that joins tell the others', async () => {
    const log = memoryLog({ partitions: 2 })
    await log.send(inputs, [])
    const slow = new Instance({ app, log, objects: [words], flows })
    await slow.engine.start()
    await log.grow(inputs.name, 3)
    const joined = await start(log)
    await until(() => tasksOf(slow).size + tasksOf(joined).size === 3)
    expect(slow.engine.parts.topology.inputs.get(inputs.name)).toBe(3)
    await Promise.all([slow.engine.stop(1_000), joined.engine.stop(1_000)])
  })

  it('keeps them when the member is gone that had found them', async () => {
    const log = memoryLog({ partitions: 2 })
    await log.send(inputs, [])
    const slow = new Instance({ app, log, objects: [words], flows })
    await slow.engine.start()
    const quick = await start(log)
    await log.grow(inputs.name, 3)
    await until(() => tasksOf(slow).size + tasksOf(quick).size === 3)
    await quick.engine.stop(1_000)
    await until(() => tasksOf(slow).size === 3 && slow.engine.health.ready)
    expect([...tasksOf(slow).keys()].sort()).toEqual([0, 1, 2])
    await slow.engine.stop(1_000)
  })
})

describe('partition counts', () => {
  const topology = (): Topology =>
    ({ inputs: new Map(Object.entries({ a: 2, b: 5, inbox: 3 })), inboxes: ['inbox'] }) as unknown as Topology

  it('are for each source the most that anybody tells', () => {
    expect(mostOf({ a: 2, b: 5 }, [{ a: 3 }, {}, { a: 1, b: 4, c: 9 }])).toEqual({ a: 3, b: 5 })
  })

  it('say which tasks gain a partition, and never shrink', () => {
    const grown = topology()
    expect([...grow(grown, { a: 4, b: 6, c: 7 })].sort()).toEqual([2, 3, 5])
    expect(Object.fromEntries(grown.inputs)).toEqual({ a: 4, b: 6, inbox: 3 })
    expect(grow(grown, { a: 1 }).size).toBe(0)
    expect(grown.inputs.get('a')).toBe(4)
  })

  it('of inboxes are not told', () => {
    const grown = topology()
    expect(grow(grown, { inbox: 9 }).size).toBe(0)
    expect(grown.inputs.get('inbox')).toBe(3)
  })
})
