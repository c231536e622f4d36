import type { LogAdmin } from '../../log/port.js'
import { deadLetterTopic, timerTopic } from '../../model/names.js'

/** What topics an app has made for itself, as their names say it. */
export interface OwnTopics {
  readonly changelogs: readonly string[]
  readonly inboxes: readonly string[]
  readonly timers: string | undefined
  readonly deadLetters: string | undefined
  /** Of sources of the app, which keep there how far they have read outside. */
  readonly positions: readonly string[]
}

/**
 * Of the topics there are. No kind has a dash in its name, so none of these is of another app whose id begins with this one's. `read`:
 * topics that the app reads and does not make: whatever their names are, they are not its own.
 */
export async function ownTopics(admin: LogAdmin, app: string, read: ReadonlySet<string>): Promise<OwnTopics> {
  const names = (await admin.list(`${app}-`)).filter((name) => !read.has(name)).sort()
  const ending = (end: string): readonly string[] =>
    names.filter((name) => new RegExp(`^[A-Za-z0-9_.]+-${end}$`).test(name.slice(app.length + 1)))
  const only = (name: string): string | undefined => (names.includes(name) ? name : undefined)
  return {
    changelogs: ending('changelog'),
    inboxes: ending('inbox'),
    timers: only(timerTopic(app)),
    deadLetters: only(deadLetterTopic(app)),
    positions: ending('positions'),
  }
}
