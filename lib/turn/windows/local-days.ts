import type { WindowBounds } from '../../model/turn.js'

const hourMs = 3_600_000
const dayMs = 24 * hourMs
/** Clocks have never been farther from UTC: Manila and Alaska were nearly 16 hours off before they changed sides. */
const farthestMs = 17 * hourMs
/** No zone has changed its clocks twice within so long and been where it was. */
const steadyMs = 4 * hourMs
/** Hours, and beginnings of windows, that are remembered: a year of hours. Asking for an offset takes 5 µs and more. */
const remembered = 9_000

/**
 * Windows of so many days as they are counted in a time zone, one after the other: each begins with the first moment of its
 * first day, at midnight or, where the clock leaps over it, when it has leapt. So a day has 23 or 25 hours where clocks
 * change, and one that a zone has left out none.
 */
export class LocalDays {
  readonly #days: number
  readonly #format: Intl.DateTimeFormat
  /** By hour since 1970; where days change within an hour one of them is forgotten for the other. */
  readonly #known = new Map<number, WindowBounds>()
  readonly #starts = new Map<number, number>()

  constructor(zone: string, days: number) {
    this.#days = days
    this.#format = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      hourCycle: 'h23',
      era: 'narrow',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    })
  }

  /** The window that a time is in. */
  at(time: number): WindowBounds {
    const hour = Math.floor(time / hourMs)
    const known = this.#known.get(hour)
    if (known !== undefined && known.start <= time && time < known.end) return known
    const found = this.#find(time)
    remember(this.#known, hour, found)
    return found
  }

  #find(time: number): WindowBounds {
    let index = Math.floor((time + this.#offset(time)) / dayMs / this.#days)
    // Where clocks are set back over midnight a date comes twice: the second time belongs to the day after.
    while (time < this.#startOf(index)) index--
    while (time >= this.#startOf(index + 1)) index++
    return { start: this.#startOf(index), end: this.#startOf(index + 1) }
  }

  #startOf(index: number): number {
    const known = this.#starts.get(index)
    if (known !== undefined) return known
    const start = this.#firstMoment(index)
    remember(this.#starts, index, start)
    return start
  }

  /** When clocks show the first midnight of a window, or a later time, for the first time. */
  #firstMoment(index: number): number {
    const midnight = index * this.#days * dayMs
    const last = midnight + farthestMs
    let from = midnight - farthestMs
    for (;;) {
      const offset = this.#offset(from)
      const change = this.#nextChange(from, last, offset)
      const start = Math.max(from, midnight - offset)
      if (change === undefined || start < change) return start
      from = change
    }
  }

  /** When the offset becomes another, after `from` and not after `last`. */
  #nextChange(from: number, last: number, offset: number): number | undefined {
    let before = from
    while (before < last) {
      const after = Math.min(before + steadyMs, last)
      if (this.#offset(after) !== offset) return this.#changeBetween(before, after, offset)
      before = after
    }
    return undefined
  }

  #changeBetween(before: number, after: number, offset: number): number {
    while (after - before > 1) {
      const middle = Math.floor((before + after) / 2)
      if (this.#offset(middle) === offset) before = middle
      else after = middle
    }
    return after
  }

  /** What clocks show beyond UTC, milliseconds. */
  #offset(time: number): number {
    const second = Math.floor(time / 1_000) * 1_000
    const parts: Record<string, number> = {}
    let isBeforeChrist = false
    for (const { type, value } of this.#format.formatToParts(clamped(second))) {
      if (type === 'era') isBeforeChrist = value.startsWith('B')
      else parts[type] = Number(value)
    }
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second: seconds = 0 } = parts
    const shown = new Date(0)
    shown.setUTCFullYear(isBeforeChrist ? 1 - year : year, month - 1, day)
    return shown.setUTCHours(hour, minute, seconds) - clamped(second)
  }
}

function remember<V>(known: Map<number, V>, key: number, value: V): void {
  if (known.size >= remembered) known.clear()
  known.set(key, value)
}

/** A little within what a Date can hold, so that what clocks show then can be held too. */
const clamped = (time: number): number => Math.min(Math.max(time, -8_639_000_000_000_000), 8_639_000_000_000_000)
