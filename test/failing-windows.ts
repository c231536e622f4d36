import fc from 'fast-check'
import { z } from 'zod'
import { text } from '../lib/codec/codec.js'
import type { Headers } from '../lib/core/record.js'
import { stateObject, type AnyStateObject } from '../lib/model/state-object.js'
import { topic } from '../lib/model/stream.js'
import { hopping, session, tumbling } from '../lib/model/window.js'
import { testDriver, type TestDriver } from '../lib/testing/driver.js'
import { crashSteps, type CrashStep } from '../lib/testing/life.js'

/** Windows whose turns fail, wait, crash and are replayed, beside what a fold makes of the same records. */

interface Click {
  readonly user: string
  readonly at: number
  readonly id: number
  /** With it the window is forgotten. */
  readonly deletes: boolean
}

/** What windows hold, and what is emitted when they close. */
interface Window {
  user: string
  start: number
  end: number
  ids: number[]
}

const clicks = topic('clicks', z.object({ user: z.string(), at: z.number(), id: z.number(), deletes: z.boolean() }), {
  timestamp: ({ at }) => at,
})
const closed = topic(
  'closed',
  z.object({ user: z.string(), start: z.number(), end: z.number(), ids: z.array(z.number()) }),
)
const letters = topic('test-dlq', text())

const sizeMs = 2_000
const everyMs = 1_000
const gapMs = 600
const mostBehindMs = 3_000
/** With the one no record is late, with the other many are. */
const longGraceMs = 4_000
const shortGraceMs = 500
/** Longer than the interval of commits in tests. */
const lateMs = 15

type State = { ids: number[] }
const merge = (a: State, b: State): State => ({ ids: [...a.ids, ...b.ids] })
const windowOf = {
  tumbling: (grace: number) => tumbling(sizeMs, { grace }),
  hopping: (grace: number) => hopping(sizeMs, { every: everyMs, grace }),
  session: (grace: number) => session<State>(gapMs, { merge, grace }),
} as const

export type WindowKind = keyof typeof windowOf

export interface Schedule {
  readonly partitions: number
  /** Which source partition clicks go to: that of their user, one for all, or any. */
  readonly through: 'own' | 'one' | 'any'
  readonly clicks: readonly {
    readonly user: number
    readonly stepMs: number
    readonly behind: number
    readonly deletes: boolean
  }[]
  /** How often turns fail before they succeed; Infinity: until all is repaired. Which of these, a number made of the turn says. */
  readonly failures: readonly number[]
  /** How long turns take, by a number made of the turn: undefined for synchronous ones. */
  readonly slow: readonly Slowness[]
  /** After each piece of the input. */
  readonly events: readonly Event[]
}

/** `soon`: a moment; `late`: longer than a commit waits. */
type Slowness = 'soon' | 'late' | undefined

type Event =
  | { readonly crash: CrashStep | undefined }
  | { readonly advance: number }
  | { readonly replay: true }
  | { readonly release: true }
  | { readonly loseDisk: true }
  | { readonly none: true }

const schedulesOf = (more: fc.WeightedArbitrary<Event>[]): fc.Arbitrary<Schedule> =>
  fc.record({
    partitions: fc.integer({ min: 1, max: 3 }),
    through: fc.constantFrom('own', 'one', 'any'),
    clicks: fc.array(
      fc.record({
        user: fc.nat(3),
        stepMs: fc.nat(900),
        behind: fc.double({ min: 0, max: 1, noNaN: true }),
        deletes: fc.nat(11).map((chance) => chance === 11),
      }),
      { minLength: 1, maxLength: 60, size: 'max' },
    ),
    failures: fc.array(fc.constantFrom(0, 0, 0, 0, 0, 0, 1, 2, 3, Infinity), { minLength: 7, maxLength: 31 }),
    slow: fc.oneof(
      fc.constant([undefined]),
      fc.array(fc.constantFrom<Slowness[]>(undefined, 'soon', 'soon', 'late'), { minLength: 5, maxLength: 11 }),
    ),
    events: fc.array(
      fc.oneof(
        { weight: 3, arbitrary: fc.constant({ none: true as const }) },
        { weight: 2, arbitrary: fc.record({ advance: fc.constantFrom(100, 250, 1_000, 7_000) }) },
        { weight: 2, arbitrary: fc.record({ crash: fc.constantFrom(undefined, ...crashSteps) }) },
        { weight: 1, arbitrary: fc.constant({ replay: true as const }) },
        { weight: 1, arbitrary: fc.constant({ loseDisk: true as const }) },
        ...more,
      ),
      { minLength: 10, maxLength: 10 },
    ),
  })

export const schedules = schedulesOf([])
export const releasing = schedulesOf([{ weight: 3, arbitrary: fc.constant({ release: true as const }) }])

/** In the order in which they are sent: none is more than `mostBehindMs` behind the latest before it. */
function shuffled({ clicks: drawn, through }: Schedule): readonly Click[] {
  let now = 1_000_000
  return drawn
    .map(({ user, stepMs, behind, deletes }, id) => {
      now += stepMs
      // Where the order is not known, nothing is done that it matters for.
      const click = { user: `u${user}`, at: now, id, deletes: deletes && through !== 'any' }
      return { place: now + behind * mostBehindMs, click }
    })
    .sort((a, b) => a.place - b.place)
    .map(({ click }) => click)
}

/** Turns that throw as the schedule says, and none once all is repaired. */
class Faults {
  readonly #times: readonly number[]
  readonly #thrown = new Map<string, number>()
  isRepaired = false

  constructor(times: readonly number[]) {
    this.#times = times
  }

  demand(what: string, number: number): void {
    // Of what only moves time none fails.
    const times = number < 0 ? 0 : (this.#times[number % this.#times.length] as number)
    const thrown = this.#thrown.get(what) ?? 0
    if (this.isRepaired || thrown >= times) return
    this.#thrown.set(what, thrown + 1)
    throw new Error(`${what} fails`)
  }
}

function kindOf(window: WindowKind, graceMs: number, { slow }: Schedule, faults: Faults): AnyStateObject {
  const ended = (number: number, end: () => void): Promise<void> | undefined => {
    const slowness = slow[number % slow.length]
    if (slowness === undefined) {
      end()
      return undefined
    }
    const elsewhere = new Promise<void>((resolve) => {
      if (slowness === 'soon') setImmediate(resolve)
      else setTimeout(resolve, lateMs)
    })
    return elsewhere.then(end)
  }
  return stateObject('window', {
    state: z.object({ ids: z.array(z.number()) }),
    init: () => ({ ids: [] as number[] }),
    window: windowOf[window](graceMs),
  })
    .on(
      clicks,
      { key: ({ user }) => user, onError: { attempts: 3, backoff: 100 } },
      (state: State, { id, deletes }, turn) => {
        state.ids.push(id)
        if (deletes) turn.delete()
        // What a session begins with depends on the order of its records.
        const about = window === 'session' ? 0 : Math.floor(turn.window.start / everyMs)
        return ended(Math.max(0, id), () => faults.demand(`${id} in ${about}`, id + about))
      },
    )
    .onClose((state: State, turn) => {
      const { start, end } = turn.window
      turn.emit(closed, { user: turn.key, start, end, ids: state.ids })
      const number = Math.floor(start / 7)
      return ended(number, () => faults.demand(`${turn.key} closes ${start}`, number))
    })
}

/** What a fold over all records makes of them: none is late, so when windows close does not matter. */
function fold(window: WindowKind, all: readonly Click[]): readonly Window[] {
  const open: Window[] = []
  for (const click of all) {
    for (const found of window === 'session' ? [sessionOf(click, open)] : windowsOf(window, click, open)) {
      found.ids.push(click.id)
      if (click.deletes) open.splice(open.indexOf(found), 1)
    }
  }
  return open
}

function windowsOf(window: WindowKind, { user, at }: Click, open: Window[]): readonly Window[] {
  const every = window === 'tumbling' ? sizeMs : everyMs
  const found: Window[] = []
  for (let start = Math.floor(at / every) * every; start > at - sizeMs; start -= every) {
    let one = open.find((each) => each.user === user && each.start === start)
    if (one === undefined) open.push((one = { user, start, end: start + sizeMs, ids: [] }))
    found.push(one)
  }
  return found
}

function sessionOf({ user, at }: Click, open: Window[]): Window {
  const [first, ...others] = open
    .filter((each) => each.user === user && each.start < at + gapMs && at < each.end)
    .sort((a, b) => a.start - b.start)
  if (first === undefined) {
    const made = { user, start: at, end: at + gapMs, ids: [] }
    open.push(made)
    return made
  }
  for (const other of others) {
    first.ids.push(...other.ids)
    first.end = Math.max(first.end, other.end)
    open.splice(open.indexOf(other), 1)
  }
  first.start = Math.min(first.start, at)
  first.end = Math.max(first.end, at + gapMs)
  return first
}

/** What came out, and letters of records that came too late, each as a sentence; what is left are other letters. */
interface Outcome {
  readonly out: readonly string[]
  readonly late: readonly string[]
  readonly left: readonly string[]
}

/** Runs a schedule whose records are all in time until all is repaired and replayed; resolves also to what should come out. */
export async function beside(
  window: WindowKind,
  schedule: Schedule,
): Promise<{ readonly found: Outcome; readonly wanted: Outcome }> {
  const all = shuffled(schedule)
  const out = fold(window, all).map(shownBy(schedule)).sort()
  const found = outcome(await run(window, schedule, all, longGraceMs, 6), shownBy(schedule))
  return { found, wanted: { out, late: [], left: [] } }
}

/** Runs a schedule of records that may be late, one by one, and then the same with no turn failing and no crash. */
export async function besideCalm(
  window: WindowKind,
  drawn: Schedule,
): Promise<{ readonly found: Outcome; readonly wanted: Outcome }> {
  // With several partitions it would be by chance how far event time has come.
  const schedule = { ...drawn, partitions: 1 }
  const calm = { ...schedule, failures: [0], events: schedule.events.map(calmed) }
  const all = shuffled(schedule)
  const outcomeOf = async (each: Schedule): Promise<Outcome> =>
    outcome(await run(window, each, all, shortGraceMs, 1), shownBy(schedule))
  return { found: await outcomeOf(schedule), wanted: await outcomeOf(calm) }
}

/**
 * Runs a schedule in which objects are released from quarantine now and then; resolves to each record in each window that was closed or that
 * a letter says it came too late for, and to how it should be: once.
 */
export async function accounted(
  window: WindowKind,
  drawn: Schedule,
): Promise<{
  readonly found: readonly string[]
  readonly wanted: readonly string[]
  readonly closed: readonly string[]
}> {
  const schedule = { ...drawn, clicks: drawn.clicks.map((click) => ({ ...click, deletes: false })) }
  const all = shuffled(schedule)
  const { windows, lateIn, left } = await run(window, schedule, all, longGraceMs, 6)
  // Where sessions begin depends on what was missing when they were closed.
  const name = (user: string, start: number): string => (window === 'session' ? user : `${user} ${start}`)
  const closedIn = windows.flatMap(({ user, start, ids }) => ids.map((id) => `${id} in ${name(user, start)}`))
  const late = lateIn.map(({ key, id }) => {
    const [user = '', start = ''] = key.split('|')
    return `${id} in ${name(user, Number(start))}`
  })
  const wanted = fold(window, all).flatMap(({ user, start, ids }) => ids.map((id) => `${id} in ${name(user, start)}`))
  const closed = windows.map(({ user, start, end }) => `${user} ${start}-${end}`)
  return { found: [...closedIn, ...late, ...left].sort(), wanted: wanted.sort(), closed }
}

const calmed = (event: Event): Event => ('advance' in event ? event : { none: true })

const shownBy =
  ({ through }: Schedule) =>
  ({ user, start, end, ids }: Window): string =>
    `${user} ${start}-${end} ${(through === 'any' ? [...ids].sort((a, b) => a - b) : ids).join()}`

async function run(
  window: WindowKind,
  schedule: Schedule,
  all: readonly Click[],
  graceMs: number,
  piece: number,
): Promise<Found> {
  const { partitions, through, events } = schedule
  const faults = new Faults(schedule.failures)
  await using driver = testDriver({
    failures: 'expect',
    objects: [kindOf(window, graceMs, schedule, faults)],
    partitions,
    now: 1_000_000,
  })
  const key = ({ user }: Click): string | null => (through === 'any' ? null : through === 'one' ? 'lane' : user)
  for (let at = 0; at < all.length; at += piece) {
    await driver.sendAll(clicks, all.slice(at, at + piece), { key })
    await happen(driver, events[(at / piece) % events.length] as Event)
  }
  await closeAll(driver, all)
  faults.isRepaired = true
  for (let replayed = -1, times = 0; replayed !== 0 && times < 20; times++) {
    await driver.advance('1m')
    replayed = (await driver.replayDeadLetters()).replayed
    await driver.advance('1m')
  }
  await driver.crash()
  await driver.advance('1m')
  return foundIn(driver)
}

/** As it is read from the topics. */
interface Found {
  readonly windows: readonly Window[]
  readonly lateIn: readonly { readonly key: string; readonly id: number }[]
  /** Other letters that are not of turns. */
  readonly left: readonly string[]
}

function foundIn(driver: TestDriver): Found {
  const windows = driver
    .output(closed)
    .map(({ value }) => value as Window)
    .filter(({ user }) => user.startsWith('u'))
  const of = (headers: Headers, name: string): string => Buffer.from(headers.get(`millrace.${name}`) ?? []).toString()
  // Those that were turns have a number, and have been replayed.
  const rest = driver.output(letters).filter(({ headers }) => !headers.has('millrace.letter'))
  const isLate = (headers: Headers): boolean => of(headers, 'error.code') === 'RECORD_LATE'
  return {
    windows,
    lateIn: rest
      .filter(({ headers }) => isLate(headers))
      .map(({ value, headers }) => ({ key: of(headers, 'key'), id: (JSON.parse(String(value)) as Click).id })),
    left: rest
      .filter(({ headers }) => !isLate(headers))
      .map(({ headers }) => `${of(headers, 'error.code')} ${of(headers, 'error.message')}`),
  }
}

function outcome({ windows, lateIn, left }: Found, shown: (window: Window) => string): Outcome {
  return { out: windows.map(shown).sort(), late: lateIn.map(({ key, id }) => `${key}: ${id}`).sort(), left }
}

async function happen(driver: TestDriver, event: Event): Promise<void> {
  if ('crash' in event) await driver.crash(event.crash)
  else if ('advance' in event) await driver.advance(event.advance)
  else if ('replay' in event) await driver.replayDeadLetters()
  else if ('release' in event) await releaseSome(driver)
  else if ('loseDisk' in event) driver.loseDisk()
}

/** Every other one. */
async function releaseSome(driver: TestDriver): Promise<void> {
  const objects = await driver.quarantined()
  for (const { kind, key } of objects.filter((_each, i) => i % 2 === 0)) await driver.release(kind, key)
}

/** Records of other users, much later, in all partitions. */
async function closeAll(driver: TestDriver, all: readonly Click[]): Promise<void> {
  const at = Math.max(...all.map((click) => click.at)) + 100_000
  const last = Array.from({ length: 12 }, (_, i) => ({ user: `end ${i}`, at, id: -1 - i, deletes: false }))
  await driver.sendAll(clicks, last, { key: ({ user }) => user })
  for (let i = 0; i < 4; i++) await driver.advance('10s')
}
