import fc from 'fast-check'
import { latestTimeMs } from '../../core/record-checks.js'
import { LocalDays } from './local-days.js'

const hourMs = 3_600_000
const dayMs = 24 * hourMs

/** Years with something about their days: clocks that change, at midnight too, by half an hour, and a day left out. */
const years: readonly (readonly [zone: string, year: number, lengths: readonly number[]])[] = [
  ['UTC', 2024, [24]],
  ['Europe/Berlin', 2024, [23, 24, 25]],
  ['America/New_York', 2025, [23, 24, 25]],
  ['Australia/Lord_Howe', 2024, [23.5, 24, 24.5]],
  ['Pacific/Apia', 2011, [23, 24, 25]],
  ['Africa/Cairo', 2024, [23, 24, 25]],
  ['America/Sao_Paulo', 2018, [23, 24, 25]],
  ['America/Havana', 2024, [23, 24, 25]],
  ['Africa/Casablanca', 2024, [23, 24, 25]],
  ['Asia/Kathmandu', 2024, [24]],
  ['Asia/Manila', 1844, [24]],
]

/** What a calendar in the zone shows. */
function dateIn(zone: string): (time: number) => string {
  const format = new Intl.DateTimeFormat('en-CA', { timeZone: zone, year: 'numeric', month: '2-digit', day: '2-digit' })
  return (time) => format.format(time)
}

/** Each hour of a year, and a little before and after it. */
function* hoursOf(year: number): Iterable<number> {
  for (let time = Date.UTC(year, 0, -3); time < Date.UTC(year + 1, 0, 3); time += hourMs) yield time
}

describe.each(years)('days in %s, %i', (zone, year, lengths) => {
  const days = new LocalDays(zone, 1)
  const date = dateIn(zone)

  it('follow each other without a gap, change when the date does, and are as long as clocks say', () => {
    const seen = new Set<number>()
    const wrong: number[] = []
    let last = days.at(Date.UTC(year, 0, -3))
    for (const time of hoursOf(year)) {
      const day = days.at(time)
      if (time < day.start || time >= day.end) wrong.push(time)
      if (day.start === last.start) continue
      if (day.start !== last.end || date(day.start) === date(day.start - 1)) wrong.push(day.start)
      if (date(day.end - 1) !== date(day.start)) wrong.push(day.end)
      seen.add((day.end - day.start) / hourMs)
      last = day
    }
    expect(wrong).toEqual([])
    expect([...seen].sort((a, b) => a - b)).toEqual(lengths)
  })

  it('are the same whatever was asked before', () => {
    const time = fc.integer({ min: Date.UTC(year, 0, 1), max: Date.UTC(year + 1, 0, 1) })
    fc.assert(
      fc.property(time, (at) => expect(new LocalDays(zone, 1).at(at)).toEqual(days.at(at))),
      { numRuns: 20 },
    )
  })
})

describe('LocalDays', () => {
  const at = (iso: string): number => new Date(iso).getTime()

  it.each([
    ['Europe/Berlin', '2026-03-29T12:00:00Z', '2026-03-28T23:00:00Z', '2026-03-29T22:00:00Z'],
    ['Europe/Berlin', '2026-10-25T12:00:00Z', '2026-10-24T22:00:00Z', '2026-10-25T23:00:00Z'],
    // Clocks leap from midnight to one o'clock.
    ['Africa/Cairo', '2024-04-26T12:00:00Z', '2024-04-25T22:00:00Z', '2024-04-26T21:00:00Z'],
    // The 30th was left out.
    ['Pacific/Apia', '2011-12-30T09:59:59Z', '2011-12-29T10:00:00Z', '2011-12-30T10:00:00Z'],
    ['Pacific/Apia', '2011-12-30T10:00:00Z', '2011-12-30T10:00:00Z', '2011-12-31T10:00:00Z'],
    // A minute after midnight clocks were set back to before it: the 7th had begun.
    ['America/St_Johns', '2010-11-07T03:00:00Z', '2010-11-07T02:30:00Z', '2010-11-08T03:30:00Z'],
    // The day was there twice.
    ['Pacific/Kwajalein', '1969-09-30T20:00:00Z', '1969-09-29T13:00:00Z', '1969-10-01T12:00:00Z'],
  ])('in %s: %s is in %s to %s', (zone, time, start, end) => {
    const day = new LocalDays(zone, 1).at(at(time))
    expect([day.start, day.end].map((each) => new Date(each).toISOString())).toEqual(
      [start, end].map((each) => new Date(each).toISOString()),
    )
  })

  it('gives several days, counted from the first of 1970', () => {
    const weeks = new LocalDays('America/New_York', 7)
    const { start, end } = weeks.at(at('2026-03-08T12:00:00Z'))
    expect(new Date(start).toISOString()).toBe('2026-03-05T05:00:00.000Z')
    expect(end - start).toBe(7 * dayMs - hourMs)
  })

  it('has a window for each time that a Date can hold, and neighbours fit', () => {
    const zone = fc.constantFrom(...years.map(([name]) => name))
    const time = fc.oneof(
      fc.integer({ min: -latestTimeMs, max: latestTimeMs }),
      fc.constantFrom(-latestTimeMs, latestTimeMs, 0, -1),
    )
    fc.assert(
      fc.property(zone, time, fc.constantFrom(1, 2, 7), (name, each, count) => {
        const days = new LocalDays(name, count)
        const { start, end } = days.at(each)
        expect(start <= each && each < end).toBe(true)
        expect(days.at(start)).toEqual({ start, end })
        expect(days.at(end - 1)).toEqual({ start, end })
        expect(days.at(start - 1).end).toBe(start)
        expect(days.at(end).start).toBe(end)
      }),
      { numRuns: 60 },
    )
  })
})
