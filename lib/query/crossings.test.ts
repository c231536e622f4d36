import { z } from 'zod'
import { withAdmin } from '../../test/with-admin.js'
import { AskedInstance } from '../../test/queries/asked-instance.js'
import { account, byLane, deposits, names, startedBank as started, toAll } from '../../test/bank.js'
import { json } from '../codec/json/json.js'
import { systemClock } from '../core/clock.js'
import { memoryLog, type MemoryLog } from '../memory/memory-log.js'
import type { LogPort } from '../log/port.js'
import { stateObject, type AnyStateObject } from '../model/state-object.js'
import { partitionOfKey } from '../log/murmur2.js'
import { drained } from '../runtime/drain.js'

const partition = partitionOfKey

/** On the clock of instances each look costs 2 ms. */
const patient = 300_000

async function asked(
  log: MemoryLog,
  objects: readonly AnyStateObject[] = [account],
  standbyReplicas = 0,
): Promise<AskedInstance> {
  const instance = new AskedInstance({ app: 'bank', log, objects, engine: { standbyReplicas } })
  await instance.start()
  return instance
}

describe('a read that may be stale', () => {
  it('is answered by the standby that is here, and says how old it is', async () => {
    await using log = memoryLog({ partitions: 4 })
    await log.send(deposits, toAll(5), byLane)
    await using one = await started(log, { standbyReplicas: 1 })
    await using two = await started(log, { standbyReplicas: 1 })
    await one.drained()
    for (const name of names.slice(0, 8)) {
      const [here, there] = (await one.owner(account, name)).isHere ? [one, two] : [two, one]
      const fresh = await here.state(account).read(name, { stale: true })
      expect(fresh).toMatchObject({ value: { sum: 5, n: 1 }, stale: undefined })
      let copy = await there.state(account).read(name, { stale: true })
      while (copy.stale === undefined || copy.value === undefined) {
        await systemClock.sleep(20)
        copy = await there.state(account).read(name, { stale: true })
      }
      expect(copy).toMatchObject({ value: { sum: 5, n: 1 }, task: fresh.task, stale: { records: 0, ms: 0 } })
      expect(copy.instance).not.toBe(fresh.instance)
    }
  })

  it('is answered by the standby of another instance when the owner is gone, of which a fresh read says so', async () => {
    await using log = memoryLog({ partitions: 3 })
    await log.send(deposits, toAll(5), byLane)
    const all = [await asked(log, [account], 1), await asked(log, [account], 1), await asked(log, [account], 1)]
    for (const { engine } of all) await drained(engine)
    while (all.some(({ engine }) => engine.parts.standbys.current.length === 0)) await systemClock.sleep(10)
    await systemClock.sleep(300)
    const [reader] = all as [AskedInstance]
    const has = ({ engine }: AskedInstance, key: string): boolean =>
      engine.parts.standbys.tasks.includes(partition(key, 3))
    const owns = ({ engine }: AskedInstance, key: string): boolean => engine.parts.tasks.running.has(partition(key, 3))
    const key = names.find((name) => !owns(reader, name) && !has(reader, name))!
    const owner = all.find((instance) => owns(instance, key))!
    const keeper = all.find((instance) => has(instance, key))!
    const state = reader.queries.state(account)
    expect(await state.get(key)).toEqual({ sum: 5, n: 1 })
    await owner.kill()
    const answer = await state.read(key, { stale: true, timeout: 20_000 })
    expect(answer).toMatchObject({
      value: { sum: 5, n: 1 },
      instance: keeper.engine.options.instance,
      stale: { records: 0 },
    })
    await expect(state.get(key, { timeout: 2_000 })).rejects.toMatchObject({ code: 'OWNER_AWAY' })
    await owner.bury()
    expect(await state.get(key, { timeout: patient })).toEqual({ sum: 5, n: 1 })
    for (const instance of all) if (instance !== owner) await instance.stop()
  })
})

describe('instances of two versions', () => {
  const old = stateObject('sums', { state: z.object({ sum: z.number() }), init: () => ({ sum: 0 }) }).on(
    deposits,
    ({ account: key }) => key,
    (state, { amount }) => void (state.sum += amount),
  )
  const cents = z.object({ cents: z.bigint() })
  const codec = json(cents, { integers: 'bigint' })
  const newer = stateObject('sums', { state: cents, codec, init: () => ({ cents: 0n }), version: 2 })
    .migrate(1, (state) => ({ cents: BigInt((state as { sum: number }).sum) * 100n }))
    .on(
      deposits,
      ({ account: key }) => key,
      (state, { amount }) => void (state.cents += BigInt(amount) * 100n),
    )

  it('answer each other: the newer one reads what the older one has, and the older one says that it cannot', async () => {
    await using log = memoryLog({ partitions: 4 })
    await log.send(deposits, toAll(5), byLane)
    const one = await asked(log, [old])
    await drained(one.engine)
    const two = await asked(log, [newer])
    await drained(one.engine)
    const isOld = (name: string): boolean => one.engine.parts.tasks.running.has(partition(name, 4))
    const ofOld = names.filter(isOld)
    const ofNew = names.filter((name) => !isOld(name))
    for (const name of ofOld)
      expect(await two.queries.state(newer).read(name)).toMatchObject({ value: { cents: 500n }, version: 1 })
    const { token: after } = await log.send(deposits, toAll(1), byLane)
    for (const name of ofNew) {
      expect(await two.queries.state(newer).get(name, { after, timeout: patient })).toEqual({ cents: 600n })
      await expect(one.queries.state(old).get(name, { after, timeout: patient })).rejects.toMatchObject({
        code: 'STATE_NEWER',
      })
    }
    const found: unknown[] = []
    for await (const [, { cents }] of two.queries.state(newer).entries() as AsyncIterable<[string, { cents: bigint }]>)
      found.push(cents)
    expect(found).toHaveLength(names.length)
    await Promise.all([one.stop(), two.stop()])
  })
})

describe('a record that becomes a dead letter', () => {
  it('has had its effect, which is none', async () => {
    const kind = stateObject('strict', { state: z.object({ n: z.number() }), init: () => ({ n: 0 }) }).on(
      deposits,
      { key: ({ account: key }) => key, onError: { attempts: 1 } },
      (state, { amount }) => {
        if (amount < 0) throw new Error('no')
        state.n++
      },
    )
    await using log = memoryLog({ partitions: 4 })
    await using app = await started(log, { objects: [kind] })
    const send = async (amount: number): Promise<string> =>
      (await log.send(deposits, [{ lane: 'x', account: 'a', amount }], byLane)).token
    expect(await app.state(kind).get('a', { after: await send(1) })).toEqual({ n: 1 })
    expect(await app.state(kind).get('a', { after: await send(-1) })).toEqual({ n: 1 })
    // It is in quarantine.
    expect(await app.state(kind).get('a', { after: await send(1) })).toEqual({ n: 1 })
    await app.release(kind, 'a')
    expect(await app.state(kind).get('a', { after: await send(1) })).toEqual({ n: 2 })
  })
})

describe('a read with a token whose record waits', () => {
  it('says what it waits for, and is answered when that is over', async () => {
    let isBroken = true
    const kind = stateObject('waits', { state: z.object({ n: z.number() }), init: () => ({ n: 0 }) }).on(
      deposits,
      { key: ({ account: key }) => key, onError: { attempts: 1_000, backoff: 5 } },
      async (state) => {
        await systemClock.sleep(60)
        if (isBroken) throw new Error('down')
        state.n++
      },
    )
    await using log = memoryLog({ partitions: 2 })
    await using app = await started(log, { objects: [kind] })
    const { token: after } = await log.send(deposits, [{ lane: 'x', account: 'a', amount: 1 }], byLane)
    await expect(app.state(kind).get('a', { after, timeout: 400 })).rejects.toMatchObject({ code: 'READ_TIMEOUT' })
    isBroken = false
    expect(await app.state(kind, { after }).get('a')).toEqual({ n: 1 })
  })
})

describe('many reads at once', () => {
  it('share the questions to the group', async () => {
    await using log = memoryLog({ partitions: 4 })
    await log.send(deposits, toAll(5), byLane)
    let questions = 0
    const one = await asked(log)
    const wrap = (port: LogPort): LogPort =>
      withAdmin(port, {
        describeGroup: (group) => {
          questions++
          return port.admin.describeGroup(group)
        },
      })
    const two = new AskedInstance({ app: 'bank', log, objects: [account], wrap })
    await two.start()
    await drained(one.engine)
    questions = 0
    const reads = Array.from({ length: 200 }, (_, i) => two.queries.state(account).get(names[i % names.length]!))
    expect(await Promise.all(reads)).toEqual(reads.map(() => ({ sum: 5, n: 1 })))
    expect(questions).toBeLessThanOrEqual(2)
    await Promise.all([one.stop(), two.stop()])
  })
})
