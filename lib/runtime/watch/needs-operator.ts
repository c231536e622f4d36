import type { Clock } from '../../core/clock.js'

/** What waits for a person, and does not pass by itself. */
export interface Attention {
  readonly app: string
  /** Why the app was stopped. */
  readonly failure: string | undefined
  readonly quarantined: number
  /** Written in the last hour. */
  readonly letters: number
  readonly held: readonly { readonly reason: string }[]
}

/** A sentence or two for each thing: what there is, and what to do. */
export function needsOperator({ app, failure, quarantined, letters, held }: Attention): readonly string[] {
  const found: string[] = []
  if (failure !== undefined)
    found.push(`App '${app}' was stopped by an error: ${failure} Repair what it names and start it again.`)
  if (quarantined > 0)
    found.push(
      `${counted(quarantined, 'object is', 'objects are')} in quarantine here: ${quarantined === 1 ? 'its' : 'their'} records become dead letters. See which and why (millrace quarantine ls, app.quarantined()), repair the handler or the record, and send the letters back in order (millrace dlq replay): the last one ends the quarantine.`,
    )
  if (letters > 0)
    found.push(
      `${counted(letters, 'dead letter was', 'dead letters were')} written here in the last hour; millrace dlq ls says which are open, and millrace dlq show why. Those are sent back with millrace dlq replay, or given up with millrace dlq drop.`,
    )
  const [first, ...others] = held
  if (first !== undefined)
    found.push(others.length === 0 ? first.reason : `${first.reason} (and ${others.length} partitions more)`)
  return found
}

const counted = (count: number, one: string, many: string): string => `${count} ${count === 1 ? one : many}`

const hourMs = 3_600_000
const minuteMs = 60_000

/** How many dead letters were written in the last hour, give or take a minute: what is older was looked at, or never will be. */
export class RecentLetters {
  readonly #clock: Clock
  /** How many there were in all, at most once a minute; the oldest first. */
  #marks: { readonly at: number; readonly total: number }[] = []

  constructor(clock: Clock) {
    this.#clock = clock
  }

  look(total: number): void {
    const now = this.#clock.elapsed()
    const last = this.#marks.at(-1)
    if (last === undefined || now - last.at >= minuteMs) this.#marks.push({ at: now, total })
    // The one that stays is the last from before the hour.
    while (this.#marks.length > 1 && (this.#marks[1] as { at: number }).at <= now - hourMs) this.#marks.shift()
  }

  of(total: number): number {
    const [first] = this.#marks
    const before = first !== undefined && first.at <= this.#clock.elapsed() - hourMs ? first.total : 0
    return Math.max(0, total - before)
  }
}
