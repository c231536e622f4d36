import { testDriver, type TestDriver } from '../../lib/testing/driver.js'
import { fold } from './fold.js'
import { found as foundIn, outcome, shownBy, type Found, type Outcome } from './found.js'
import { clicks, closed as outputs, Faults, kindOf, last, letters, type Window, type WindowKind } from './program.js'
import { shuffled, type Click, type Event, type Schedule } from './schedules.js'

/** With the one no record is late, with the other many are. */
const longGraceMs = 4_000
const shortGraceMs = 500
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
  return foundBy(driver)
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

async function closeAll(driver: TestDriver, all: readonly Click[]): Promise<void> {
  await driver.sendAll(clicks, last(all), { key: ({ user }) => user })
  for (let i = 0; i < 4; i++) await driver.advance('10s')
}

function foundBy(driver: TestDriver): Found {
  const windows = driver.output(outputs).map(({ value }) => value as Window)
  const all = driver.output(letters).map(({ value, headers }) => ({
    value: String(value),
    header: (name: string) => {
      const bytes = headers.get(`millrace.${name}`)
      return bytes ? Buffer.from(bytes).toString() : undefined
    },
  }))
  return foundIn(windows, all)
}
