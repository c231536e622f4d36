import { z } from 'zod'
import { runs } from '../../../test/runs.js'
import { stateObject, type AnyStateObject } from '../../model/state-object.js'
import { topic } from '../../model/stream.js'
import { hopping, session, tumbling } from '../../model/window.js'
import { testDriver, type TestDriver } from '../../testing/driver.js'

const clicks = topic('clicks', z.object({ user: z.string(), at: z.number(), id: z.number() }), {
  timestamp: ({ at }) => at,
})
const closed = topic(
  'closed',
  z.object({ user: z.string(), start: z.number(), end: z.number(), ids: z.array(z.number()) }),
)
const late = topic('test-dlq', z.object({ user: z.string(), at: z.number(), id: z.number() }))

interface Click {
  readonly user: string
  readonly at: number
  readonly id: number
}
type Closed = { user: string; start: number; end: number; ids: number[] }

const state = z.object({ ids: z.array(z.number()) })
const init = (): { ids: number[] } => ({ ids: [] })

function kind(window: Parameters<typeof stateObject>[1]['window']): AnyStateObject {
  return stateObject('window', { state, init, window: window as never })
    .on(
      clicks,
      ({ user }) => user,
      ({ ids }, { id }) => {
        ids.push(id)
      },
    )
    .onClose(({ ids }, turn) => turn.emit(closed, { user: turn.key, ...turn.window, ids }))
}

const merge = (a: { ids: number[] }, b: { ids: number[] }): { ids: number[] } => ({ ids: [...a.ids, ...b.ids] })

function random(seed: number): () => number {
  return () => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
    return seed / 2 ** 32
  }
}

/** Clicks of a few users, none more than `spread` behind the latest before it; in the end one that closes all. */
function shuffled(seed: number, count: number, spread: number): readonly Click[] {
  const next = random(seed)
  const inOrder = Array.from({ length: count }, (_, id) => ({ user: `u${Math.floor(next() * 5)}`, at: 0, id }))
  let now = 1_000_000
  for (const click of inOrder) click.at = now += Math.floor(next() * 400)
  return inOrder
    .map((click) => ({ click, place: click.at + next() * spread }))
    .sort((a, b) => a.place - b.place)
    .map(({ click }) => click)
}

const text = ({ user, start, end, ids }: Closed): string =>
  `${user} ${start}-${end} ${[...ids].sort((a, b) => a - b).join()}`
const outputs = (driver: TestDriver): string[] =>
  driver
    .output(closed)
    .map(({ value }) => text(value as Closed))
    .sort()

function fixedBatch(all: readonly Click[], size: number, every: number): string[] {
  const windows = new Map<string, Closed>()
  for (const { user, at, id } of all) {
    for (let start = Math.floor(at / every) * every; start > at - size; start -= every) {
      const name = `${user} ${start}`
      const window = windows.get(name) ?? { user, start, end: start + size, ids: [] }
      windows.set(name, window)
      window.ids.push(id)
    }
  }
  return [...windows.values()].map(text).sort()
}

function sessionBatch(all: readonly Click[], gap: number): string[] {
  const sessions: Closed[] = []
  for (const user of new Set(all.map((click) => click.user))) {
    for (const { at, id } of all.filter((click) => click.user === user).sort((a, b) => a.at - b.at)) {
      const last = sessions.at(-1)
      if (last?.user === user && at < last.end) {
        last.end = at + gap
        last.ids.push(id)
      } else sessions.push({ user, start: at, end: at + gap, ids: [id] })
    }
  }
  return sessions.map(text).sort()
}

/** Sends in pieces, with a crash and a lost disk now and then, and closes all windows in the end. */
async function run(
  seed: number,
  window: Parameters<typeof kind>[0],
  all: readonly Click[],
): Promise<{ closed: string[]; driver: TestDriver }> {
  const next = random(seed + 7)
  const driver = testDriver({ objects: [kind(window)], partitions: 3 })
  for (let at = 0; at < all.length; at += 20) {
    if (next() < 0.3)
      await driver.crash((['turn', 'before-end', 'after-end', 'before-store'] as const)[Math.floor(next() * 4)])
    if (next() < 0.1) driver.loseDisk()
    await driver.sendAll(clicks, all.slice(at, at + 20), next() < 0.5 ? { key: ({ user }) => user } : {})
  }
  // Of a user of its own in each partition, much later.
  const end = Math.max(...all.map(({ at }) => at)) + 10_000_000
  for (let i = 0; i < 30; i++) await driver.send(clicks, { user: `end ${i}`, at: end, id: -1 - i }, { key: `${i}` })
  await driver.advance('6s')
  return { closed: outputs(driver).filter((line) => !line.startsWith('end')), driver }
}

describe('windows of shuffled, late records give what a batch computation gives', () => {
  const seeds = Array.from({ length: runs(4, 20) }, (_, i) => i + 1)

  it.each(seeds)('tumbling, seed %i', async (seed) => {
    const all = shuffled(seed, 200, 3_000)
    const { closed: windows, driver } = await run(seed, tumbling('2s', { grace: '4s' }), all)
    expect(windows).toEqual(fixedBatch(all, 2_000, 2_000))
    expect(driver.output(late)).toEqual([])
    await driver[Symbol.asyncDispose]()
  })

  it.each(seeds)('hopping, seed %i', async (seed) => {
    const all = shuffled(seed, 200, 3_000)
    const { closed: windows, driver } = await run(seed, hopping('3s', { every: '1s', grace: '4s' }), all)
    expect(windows).toEqual(fixedBatch(all, 3_000, 1_000))
    await driver[Symbol.asyncDispose]()
  })

  it.each(seeds)('session, seed %i', async (seed) => {
    const all = shuffled(seed, 200, 3_000)
    const { closed: windows, driver } = await run(seed, session('600ms', { merge, grace: '4s' }), all)
    expect(windows).toEqual(sessionBatch(all, 600))
    await driver[Symbol.asyncDispose]()
  })
})

describe('windowed objects', () => {
  it('leave nothing behind when they have closed, and send what comes too late to the dead letters', async () => {
    const minute = kind(tumbling('1m'))
    await using driver = testDriver({ failures: 'expect', objects: [minute], partitions: 1 })
    await driver.send(clicks, { user: 'ann', at: 30_000, id: 1 })
    await driver.send(clicks, { user: 'ann', at: 61_000, id: 2 })
    expect(outputs(driver)).toEqual(['ann 0-60000 1'])
    expect(driver.state(minute, 'ann|0|60000')).toBeUndefined()
    expect(driver.state(minute, 'ann|60000|120000')).toEqual({ ids: [2] })
    await driver.send(clicks, { user: 'ann', at: 59_000, id: 3 })
    expect(driver.output(late).map(({ value }) => value?.id)).toEqual([3])
  })

  it('of the session kind can be read one by one', async () => {
    const visit = kind(session('1m', { merge }))
    await using driver = testDriver({ failures: 'expect', objects: [visit], partitions: 1 })
    await driver.send(clicks, { user: 'ann', at: 10_000, id: 1 })
    await driver.send(clicks, { user: 'ann', at: 200_000, id: 2 })
    await driver.send(clicks, { user: 'ann', at: 40_000, id: 3 })
    expect(outputs(driver)).toEqual(['ann 10000-70000 1'])
    expect(driver.state(visit, 'ann|200000|260000')).toEqual({ ids: [2] })
    expect(driver.output(late).map(({ value }) => value?.id)).toEqual([3])
  })

  it.each([
    [59_999, ['ann 0-119999 1,2']],
    [60_000, ['ann 0-60000 1', 'ann 60000-120000 2']],
  ])('of the session kind end where their gap does: %i ms after the last record', async (at, expected) => {
    for (const ids of [
      [1, 2],
      [2, 1],
    ]) {
      await using driver = testDriver({ objects: [kind(session('1m', { merge, grace: '1h' }))], partitions: 1 })
      for (const id of ids) await driver.send(clicks, { user: 'ann', at: id === 1 ? 0 : at, id })
      await driver.send(clicks, { user: 'bob', at: 10_000_000, id: 3 })
      expect(outputs(driver)).toEqual(expected)
    }
  })

  it('of days in a time zone have as many hours as those, and survive crashes', async () => {
    const day = kind(tumbling('1d', { zone: 'Europe/Berlin', grace: '1h' }))
    await using driver = testDriver({ objects: [day], partitions: 1 })
    const from = Date.UTC(2025, 9, 24, 22)
    for (let hour = 0; hour < 72; hour++) {
      if (hour % 24 === 0) await driver.crash(hour === 24 ? 'before-end' : 'before-store')
      await driver.send(clicks, { user: 'ann', at: from + hour * 3_600_000, id: hour })
    }
    driver.loseDisk()
    await driver.crash()
    await driver.send(clicks, { user: 'bob', at: from + 90 * 3_600_000, id: -1 })
    const hours = driver.output(closed).map(({ value }) => [(value!.end - value!.start) / 3_600_000, value!.ids.length])
    expect(hours).toEqual([
      [24, 24],
      [25, 25],
      [24, 23],
    ])
    const first = `ann|${from}|${from + 24 * 3_600_000}`
    expect(driver.state(day, first)).toBeUndefined()
  })

  it('are not held open by partitions that have fallen silent', async () => {
    const minute = kind(tumbling('1m'))
    await using driver = testDriver({ objects: [minute], partitions: 2 })
    // Both users are of one partition of state; their records come through two.
    await driver.send(clicks, { user: 'ann', at: 1_000, id: 1 }, { key: 'a' })
    await driver.send(clicks, { user: 'ann', at: 2_000, id: 2 }, { key: 'b' })
    await driver.send(clicks, { user: 'ann', at: 3_000, id: 3 }, { key: 'c' })
    await driver.send(clicks, { user: 'ann', at: 100_000, id: 4 }, { key: 'a' })
    await driver.advance('6s')
    expect(outputs(driver)).toEqual(['ann 0-60000 1,2,3'])
  })
})
