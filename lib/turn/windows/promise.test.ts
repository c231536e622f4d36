import { z } from 'zod'
import { Instance } from '../../../test/instances.js'
import { runs } from '../../../test/runs.js'
import { partitionOfKey } from '../../log/murmur2.js'
import { memoryLog, type MemoryLog } from '../../memory/memory-log.js'
import { stateObject, type AnyStateObject } from '../../model/state-object.js'
import { topic } from '../../model/stream.js'
import { tumbling } from '../../model/window.js'
import { drained } from '../../runtime/drain.js'
import { testDriver } from '../../testing/driver.js'
import type { CrashStep } from '../../testing/life.js'

interface Click {
  readonly user: string
  readonly at: number
  readonly id: number
}
const click = z.object({ user: z.string(), at: z.number(), id: z.number() })
const clicks = topic('clicks', click, { timestamp: ({ at }) => at })
const closed = topic('closed', z.object({ user: z.string(), start: z.number(), ids: z.array(z.number()) }))

const letters = topic('words-dlq', click)

const sizeMs = 100
const graceMs = 50

function windows(grace: number, route: 'auto' | 'shuffle' = 'auto'): AnyStateObject {
  return stateObject('window', {
    state: z.object({ ids: z.array(z.number()) }),
    init: () => ({ ids: [] }),
    window: tumbling(sizeMs, { grace }),
  })
    .on(clicks, { key: ({ user }) => user, route }, ({ ids }, { id }) => {
      ids.push(id)
    })
    .onClose(({ ids }, turn) => turn.emit(closed, { user: turn.key, start: turn.window.start, ids }))
}

/** The first of some keys that is of a partition. */
const keyOf = (partition: number, partitions: number): string =>
  ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j'].find(
    (key) => partitionOfKey(key, partitions) === partition,
  ) as string

function random(seed: number): (below: number) => number {
  return (below) => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((seed / 2 ** 32) * below)
  }
}

/** Of each partition: records of which none is more than the grace behind what came before it there; some are far ahead of others. */
function input(next: (below: number) => number, partitions: number): readonly (readonly Click[])[] {
  let id = 0
  return Array.from({ length: partitions }, () => {
    const step = [5, 20, 80][next(3)] as number
    let latest = 10_000
    return Array.from({ length: 10 + next(20) }, (): Click => {
      const at = next(2) === 0 ? latest + next(2 * step) : latest - next(graceMs + 1)
      latest = Math.max(latest, at)
      return { user: `u${next(4)}`, at, id: id++ }
    })
  })
}

/** What a batch makes of it: windows that are over when all has come. */
function batch(all: readonly Click[]): string[] {
  const latest = Math.max(...all.map(({ at }) => at))
  const found = new Map<string, number[]>()
  for (const { user, at, id } of all) {
    const start = at - (at % sizeMs)
    if (start + sizeMs + graceMs > latest) continue
    const name = `${user} ${start}`
    found.set(name, [...(found.get(name) ?? []), id])
  }
  return [...found].map(([name, ids]) => text(name, ids)).sort()
}

const text = (name: string, ids: readonly number[]): string => `${name} ${[...ids].sort((a, b) => a - b).join()}`

async function outcome(log: MemoryLog): Promise<{ readonly closed: string[]; readonly late: number }> {
  const given: string[] = []
  for await (const { value } of log.read(closed))
    if (value !== null) given.push(text(`${value.user} ${value.start}`, value.ids))
  let late = 0
  for await (const _ of log.read(letters)) late++
  return { closed: given.sort(), late }
}

describe('a record that is no more than the grace behind its slowest source partition', () => {
  it('is not late, although its source had given nothing to its window when another was far ahead', async () => {
    await using driver = testDriver({ objects: [windows(0)], partitions: 2 })
    await driver.send(clicks, { user: x, at: 10, id: 1 }, here)
    await driver.send(clicks, { user: x, at: 250, id: 2 }, here)
    await driver.send(clicks, { user: other, at: 12, id: 3 }, there)
    await driver.send(clicks, { user: x, at: 20, id: 4 }, there)
    expect(driver.output(topic('test-dlq', click))).toEqual([])
    await driver.send(clicks, { user: other, at: 300, id: 5 }, there)
    expect(driver.output(closed).map(({ value }) => value)).toEqual(
      [
        { user: x, start: 0, ids: [1, 4] },
        { user: other, start: 0, ids: [3] },
      ].sort((a, b) => (a.user < b.user ? -1 : 1)),
    )
  })

  /** `x` is of partition `here`, the other one of the other. */
  const x = 'u'
  const other = keyOf(1 - partitionOfKey(x, 2), 2)
  const here = { key: keyOf(partitionOfKey(x, 2), 2) }
  const there = { key: other }

  it('is waited for no longer when its source partition gives what nobody takes', async () => {
    const taken = stateObject('window', {
      state: z.object({ ids: z.array(z.number()) }),
      init: () => ({ ids: [] }),
      window: tumbling(sizeMs),
    })
      .on(
        clicks.filter(({ id }) => id !== 2),
        ({ id, user }) => (id === 3 ? null : user),
        ({ ids }, { id }) => void ids.push(id),
      )
      .onClose(({ ids }, turn) => turn.emit(closed, { user: turn.key, start: turn.window.start, ids }))
    for (const id of [2, 3]) {
      await using driver = testDriver({ objects: [taken], partitions: 2 })
      await driver.send(clicks, { user: x, at: 10, id: 1 }, here)
      await driver.send(clicks, { user: x, at: 350, id: 4 }, here)
      expect(driver.output(closed)).toEqual([])
      await driver.send(clicks, { user: other, at: 300, id }, there)
      expect(driver.output(closed).map(({ value }) => value)).toEqual([{ user: x, start: 0, ids: [1] }])
    }
  })

  it('closes its window after a crash as it would have without, also one in the first seconds', async () => {
    await using driver = testDriver({ objects: [windows(0)], partitions: 2 })
    await driver.send(clicks, { user: x, at: 10, id: 1 }, here)
    await driver.send(clicks, { user: x, at: 250, id: 2 }, here)
    driver.loseDisk()
    await driver.crash()
    await driver.send(clicks, { user: other, at: 300, id: 3 }, there)
    expect(driver.output(closed).map(({ value }) => value)).toEqual([{ user: x, start: 0, ids: [1] }])
  })

  const seeds = Array.from({ length: runs(6, 20) }, (_, i) => i + 1)

  it.each(seeds)(
    'is never late, and results are those of a batch, with any number of processes: seed %i',
    async (seed) => {
      const next = random(seed)
      const partitions = 1 + next(4)
      const objects = [windows(graceMs, next(4) === 0 ? 'shuffle' : 'auto')]
      const all = input(next, partitions)
      const log = memoryLog({ partitions })
      await log.send(clicks, [])
      await log.send(closed, [])
      let now = Date.UTC(2026, 0, 1)
      const begin = async (): Promise<Instance> => {
        const instance = new Instance({ log, objects, now: () => now })
        await instance.engine.start()
        return instance
      }
      const left = all.map((each) => [...each])
      // A backlog before the first start, or none.
      if (next(2) === 0) await sendSome(log, left, next, partitions)
      let running = [await begin()]
      const steps: readonly CrashStep[] = ['turn', 'before-end', 'after-end', 'before-store']
      while (left.some((each) => each.length > 0)) {
        await sendSome(log, left, next, partitions)
        const chance = next(10)
        if (chance === 0 && running.length < 3) running.push(await begin())
        else if (chance === 1) {
          const [first, ...others] = running as [Instance, ...Instance[]]
          await first.kill(next(2) === 0 ? undefined : steps[next(4)])
          await Promise.race([drained(first.engine).catch(() => undefined), first.life.death])
          await first.kill()
          await first.bury()
          running = [...others, await begin()]
        } else if (chance < 6) for (const { engine } of running) await drained(engine)
        // Nobody falls silent on the way.
        now += next(3)
      }
      for (const { engine } of running) await drained(engine)
      now += 6_000
      const expected = batch(all.flat())
      for (let tries = 0; tries < 20; tries++) {
        for (const { engine } of running) await drained(engine)
        if ((await outcome(log)).closed.length >= expected.length) break
      }
      expect(await outcome(log)).toEqual({ closed: expected, late: 0 })
      for (const { engine } of running) await engine.stop(1_000)
    },
  )
})

describe('a source partition that is added', () => {
  it('holds time from its first record on, also where there is no state of its index', async () => {
    const log = memoryLog({ partitions: 1 })
    await log.send(clicks, [])
    await log.send(closed, [])
    const { engine } = new Instance({ log, objects: [windows(0)] })
    await engine.start()
    await log.send(clicks, [{ user: 'u', at: 10, id: 1 }])
    await drained(engine)
    await log.grow('clicks', 2)
    await log.send(clicks, [{ user: 'u', at: 20, id: 2 }], { key: () => keyOf(1, 2) })
    await drained(engine)
    await log.send(clicks, [{ user: 'u', at: 250, id: 3 }], { key: () => keyOf(0, 2) })
    await drained(engine)
    await log.send(clicks, [{ user: 'u', at: 30, id: 4 }], { key: () => keyOf(1, 2) })
    await drained(engine)
    expect(await outcome(log)).toEqual({ closed: [], late: 0 })
    await log.send(clicks, [{ user: 'u', at: 300, id: 5 }], { key: () => keyOf(1, 2) })
    await drained(engine)
    expect(await outcome(log)).toEqual({ closed: ['u 0 1,2,4'], late: 0 })
    await engine.stop(1_000)
  })
})

describe('a backlog that comes after all source partitions were silent', () => {
  const seeds = Array.from({ length: runs(3, 10) }, (_, i) => i + 1)

  it.each(seeds)('makes nothing late, whichever partition is read first: seed %i', async (seed) => {
    const next = random(seed)
    const partitions = 2 + next(3)
    const log = memoryLog({ partitions })
    await log.send(clicks, [])
    await log.send(closed, [])
    let now = Date.UTC(2026, 0, 1)
    const running = Array.from(
      { length: 1 + next(2) },
      () => new Instance({ log, objects: [windows(graceMs)], now: () => now }),
    )
    for (const { engine } of running) await engine.start()
    const all: Click[] = []
    for (let round = 0; round < 3; round++) {
      const base = Math.max(10_000, ...all.map(({ at }) => at))
      const fresh = Array.from({ length: 30 }, (_, i): Click & { readonly partition: number } => ({
        user: `u${next(5)}`,
        at: base + i * 50,
        id: 100 * round + i,
        partition: next(partitions),
      }))
      all.push(...fresh)
      await log.send(clicks, fresh, { key: ({ id }) => keyOf(fresh[id % 100]?.partition ?? 0, partitions) })
      for (const { engine } of running) await drained(engine)
      now += 6_000
      for (let tries = 0; tries < 20; tries++) {
        for (const { engine } of running) await drained(engine)
        if ((await outcome(log)).closed.length >= batch(all).length) break
      }
      expect(await outcome(log)).toEqual({ closed: batch(all), late: 0 })
    }
    for (const { engine } of running) await engine.stop(1_000)
  })
})

/** The next records of some partition, or of several at once. */
async function sendSome(
  log: MemoryLog,
  left: Click[][],
  next: (below: number) => number,
  partitions: number,
): Promise<void> {
  for (let pieces = 1 + next(3); pieces > 0; pieces--) {
    const partition = next(partitions)
    const values = (left[partition] as Click[]).splice(0, 1 + next(10))
    if (values.length > 0) await log.send(clicks, values, { key: () => keyOf(partition, partitions) })
  }
}
