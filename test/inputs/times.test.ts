import fc from 'fast-check'
import { z } from 'zod'
import type { Duration } from '../../lib/core/duration.js'
import { latestTimeMs } from '../../lib/core/record-checks.js'
import { stateObject, type AnyStateObject } from '../../lib/model/state-object.js'
import { topic } from '../../lib/model/stream.js'
import { hopping, session, tumbling } from '../../lib/model/window.js'
import { testDriver, type TestDriver } from '../../lib/testing/driver.js'
import type { CrashStep } from '../../lib/testing/life.js'

/** The clock, and the event time of the records that close everything in the end. Between them and all others is the grace. */
const now = Date.UTC(2160, 0, 1)
const end = Date.UTC(2140, 0, 1)
const grace: Duration = '36525d'
const hourMs = 3_600_000
const dayMs = 24 * hourMs

/** What a value says of its time may be anything; `at` is a text, since JSON has no NaN. */
interface Click {
  readonly id: number
  readonly user: string
  readonly at: string
  /** Of its timers. */
  readonly after: number
}
const click = z.object({ id: z.number(), user: z.string(), at: z.string(), after: z.number() })
const clicks = topic('clicks', click, { timestamp: ({ at }) => Number(at) })
const closed = topic('closed', z.object({ name: z.string(), ids: z.array(z.number()) }))
const fired = topic('fired', z.object({ id: z.number(), by: z.string(), now: z.number() }))
const letters = topic('test-dlq', click)

type Ids = { ids: number[] }
const state = z.object({ ids: z.array(z.number()) })
const init = (): Ids => ({ ids: [] })
const merge = (a: Ids, b: Ids): Ids => ({ ids: [...a.ids, ...b.ids] })

interface Bounds {
  readonly start: number
  readonly end: number
}

/** Windows, and which of them a record is in, worked out in another way. */
const sizeMs = 7_000
const gapMs = 90_000
const berlin = new Intl.DateTimeFormat('en-CA', { timeZone: 'Europe/Berlin' })
const inBerlin = (time: number): string => berlin.format(time)
const kinds = {
  tumbling: {
    window: tumbling(sizeMs, { grace }),
    namesOf: (at: number): string[] => [String(Math.floor(at / sizeMs) * sizeMs)],
    nameOf: ({ start }: Bounds): string => String(start),
  },
  hopping: {
    window: hopping(3 * sizeMs, { every: sizeMs, grace }),
    namesOf: (at: number): string[] => [0, 1, 2].map((back) => String((Math.floor(at / sizeMs) - back) * sizeMs)),
    nameOf: ({ start }: Bounds): string => String(start),
  },
  berlin: {
    window: tumbling('1d', { zone: 'Europe/Berlin', grace }),
    namesOf: (at: number): string[] => [inBerlin(at)],
    nameOf: ({ start, end: until }: Bounds): string =>
      inBerlin(start) === inBerlin(until - 1) ? inBerlin(start) : `not one day: ${start}`,
  },
}

function windowed(name: string, window: unknown, nameOf: (bounds: Bounds) => string): AnyStateObject {
  return stateObject(name, { state, init, window: window as never })
    .on(
      clicks,
      ({ user }) => user,
      ({ ids }, { id }) => {
        ids.push(id)
      },
    )
    .onClose(({ ids }, turn) =>
      turn.emit(closed, { name: `${name} ${turn.key} ${nameOf(turn.window as Bounds)}`, ids }, { timestamp: now }),
    )
}

/** An object for each record, with a timer by each time. */
const timed = stateObject('timed', { state: z.object({}), init: () => ({}) })
  .timers({ event: z.number() }, { time: 'event' })
  .timers({ clock: z.number() })
  .on(clicks, { key: ({ id }) => String(id), onError: { attempts: 1 } }, (_state, { id, after }, turn) => {
    turn.timer('event', after, id)
    turn.timer('clock', id % 2 === 0 ? after : new Date(after - 2 * hourMs), id)
  })
  .onTimer('event', (_state, id, turn) => turn.emit(fired, { id, by: 'event', now: turn.now }, { timestamp: now }))
  .onTimer('clock', (_state, id, turn) => turn.emit(fired, { id, by: 'clock', now: turn.now }, { timestamp: now }))

const objects = [
  ...Object.entries(kinds).map(([name, { window, nameOf }]) => windowed(name, window, nameOf)),
  windowed('session', session<Ids>(gapMs, { merge, grace }), ({ start, end: until }) => `${start}-${until}`),
  timed,
]

/** What should become of records: letters of those whose time cannot be, windows and timers of all others. */
function expected(all: readonly Click[]) {
  const windows = new Map<string, number[]>()
  const refused: string[] = []
  const fires: string[] = []
  const byUser = new Map<string, { at: number; id: number }[]>()
  for (const { id, user, at: text, after } of all) {
    const given = Number(text)
    if (!(Math.abs(given) <= latestTimeMs)) {
      refused.push(`${id} STEP_FAILED`)
      continue
    }
    const at = Math.floor(given) + 0
    // Its timer would be due when no Date can be, so it has no turn in that kind.
    const isFine = Math.ceil(at + after) <= latestTimeMs
    if (!isFine) refused.push(`${id} VALUE_INVALID`)
    if (at > now + hourMs) {
      refused.push(...Array<string>(Object.keys(kinds).length + 1).fill(`${id} RECORD_AHEAD`))
    } else {
      for (const [name, { namesOf }] of Object.entries(kinds))
        for (const each of namesOf(at)) listed(windows, `${name} ${user} ${each}`).push(id)
      listed(byUser, user).push({ at, id })
      fires.push(`${id} event ${Math.ceil(at + after) + 0}`)
    }
    if (isFine) fires.push(`${id} clock ${id % 2 === 0 ? Math.ceil(now + after) : Math.trunc(after - 2 * hourMs) + 0}`)
  }
  for (const [user, ofUser] of byUser) {
    let session: { start: number; end: number; ids: number[] } | undefined
    const close = (): void => {
      if (session !== undefined) windows.set(`session ${user} ${session.start}-${session.end}`, session.ids)
    }
    for (const { at, id } of ofUser.sort((a, b) => a.at - b.at)) {
      if (session !== undefined && at < session.end)
        session = { ...session, end: at + gapMs, ids: [...session.ids, id] }
      else {
        close()
        session = { start: at, end: at + gapMs, ids: [id] }
      }
    }
    close()
  }
  return {
    closed: [...windows].map(([name, ids]) => `${name}: ${sorted(ids)}`).sort(),
    refused: refused.sort(),
    fires: fires.sort(),
  }
}

function listed<V>(map: Map<string, V[]>, key: string): V[] {
  const known = map.get(key) ?? []
  map.set(key, known)
  return known
}

const sorted = (ids: readonly number[]): string => [...ids].sort((a, b) => a - b).join()

function outcome(driver: TestDriver) {
  return {
    closed: driver
      .output(closed)
      .map(({ value }) => `${value!.name}: ${sorted(value!.ids)}`)
      .filter((line) => !line.includes('~'))
      .sort(),
    refused: driver
      .output(letters)
      .map(({ value, headers }) => `${value?.id} ${Buffer.from(headers.get('millrace.error.code') ?? []).toString()}`)
      .sort(),
    fires: driver
      .output(fired)
      .map(({ value }) => `${value!.id} ${value!.by} ${value!.now}`)
      .filter((line) => !line.startsWith('-'))
      .sort(),
  }
}

/** How a process is troubled before a piece of the input. */
type Trouble = CrashStep | 'none' | 'now' | 'lost disk'

async function run(all: readonly Click[], troubles: readonly Trouble[], pieceSize: number): Promise<TestDriver> {
  const driver = testDriver({ failures: 'expect', objects, partitions: 2, now })
  for (let from = 0, piece = 0; from < all.length; from += pieceSize, piece++) {
    const trouble = troubles[piece] ?? 'none'
    if (trouble === 'lost disk') driver.loseDisk()
    if (trouble === 'now' || trouble === 'lost disk') await driver.crash()
    else if (trouble !== 'none') await driver.crash(trouble)
    // Half of them come through the other partition.
    await driver.sendAll(clicks, all.slice(from, from + pieceSize), { key: ({ id }) => String(id % 3) })
  }
  await driver.advance('1d')
  // Of users of their own, through each partition, and by now all that was read counts.
  const last = Array.from({ length: 8 }, (_, i) => ({ id: -1 - i, user: `~${i}`, at: String(end), after: 0 }))
  await driver.sendAll(clicks, last, { key: ({ id }) => String(id) })
  await driver.advance('6s')
  await driver.sendAll(
    clicks,
    last.map((each) => ({ ...each, id: each.id - 8 })),
    { key: ({ id }) => String(id) },
  )
  await driver.advance('6s')
  return driver
}

const time = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: -100_000, max: 100_000 }).map(String) },
  { weight: 2, arbitrary: fc.integer({ min: -1e12, max: 1e12 }).map(String) },
  { weight: 2, arbitrary: fc.double({ min: -1e6, max: 1e6, noNaN: true }).map(String) },
  // Days on which clocks change in Berlin.
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 3 * dayMs }).map((ms) => String(Date.UTC(1999, 9, 30) + ms)) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      ...[NaN, Infinity, -Infinity, 1e300, -1e300, 0, -1, 0.5, -0.5, latestTimeMs, latestTimeMs + 1].map(String),
      ...[-latestTimeMs - 1, now + hourMs + 1, now * 1_000, now * 1e6].map(String),
      '-0',
    ),
  },
)
const clickOf = fc.record({
  user: fc.constantFrom('ann', 'bob', 'cid'),
  at: time,
  after: fc.oneof(
    fc.integer({ min: 0, max: 200_000 }),
    fc.double({ min: 0, max: 200_000, noNaN: true }),
    fc.constantFrom(0, 0.001),
  ),
})
const troubleOf = fc.constantFrom<Trouble>(
  ...(['none', 'none', 'now', 'lost disk', 'turn', 'before-end', 'after-end', 'before-store'] as const),
)

describe('event times of every kind', () => {
  it('lead to what a batch over all records gives, windows and timers, whatever happens to the process', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(clickOf, { minLength: 1, maxLength: 60 }),
        fc.array(troubleOf, { maxLength: 8 }),
        fc.integer({ min: 5, max: 20 }),
        async (values, troubles, pieceSize) => {
          const all = values.map((value, id) => ({ ...value, id }))
          await using driver = await run(all, troubles, pieceSize)
          expect(outcome(driver)).toEqual(expected(all))
        },
      ),
      { numRuns: Number(process.env['MILLRACE_RUNS'] ?? 12) },
    )
  })
})
