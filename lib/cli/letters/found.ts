import { asBuffer } from '../../core/bytes.js'
import type { Offset } from '../../core/record.js'
import { fits, type LetterFilter } from '../../app/replaying/letters.js'
import type { LogPort } from '../../log/port.js'
import { deadLetterTopic } from '../../model/names.js'
import { factsIn, ownHeaders, type LetterFacts } from '../../turn/failing/letter.js'
import { keyBytes, valueBytes } from '../../turn/kept/record-bytes.js'
import { rowKey } from '../../turn/kept/row.js'
import { CliError } from '../frame/exits.js'
import { rowsWith, type FoundRow } from '../stored/rows.js'
import { topicExtents, type Extent } from '../../log/client/extents.js'
import { answersIn } from '../stored/scan.js'

/**
 * `open`: it waits for somebody to see to it, or for its turn that is on its way. `again`: it says that the one that was replayed has
 * failed again, which is open. `done`: replayed, dropped, or sent again. `foreign`: what another program has written there.
 */
export type LetterStatus = 'open' | 'again' | 'done' | 'foreign'

/** A record of the dead-letter topic, with views of its bytes. */
export interface FoundLetter {
  readonly partition: number
  readonly offset: Offset
  readonly status: LetterStatus
  readonly facts: LetterFacts | undefined
  /** Header of ours as text. */
  readonly own: (name: string) => string | undefined
  /** Of its record. */
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
}

export interface LetterSearch {
  readonly app: string
  readonly filter: LetterFilter
  /** When they were written, milliseconds since the epoch; those that do not say it are of no time. */
  readonly written?: { readonly since?: number | undefined; readonly until?: number | undefined } | undefined
  /** Those that need nothing any more, too. */
  readonly all: boolean
  /** The first that is looked at is behind it. */
  readonly after?: { readonly partition: number; readonly offset: Offset } | undefined
  readonly signal: AbortSignal
  readonly onRead: (what: string) => void
}

/** Letters of an app in the order of the topic; several at a time, to be looked at before the next are asked for. Rejects with `notFound`. */
export async function* findLetters(
  log: LogPort,
  { app, filter, written = {}, all, after, signal, onRead }: LetterSearch,
): AsyncGenerator<readonly FoundLetter[], void, undefined> {
  const stretches = await lettersOfApp(log, app)
  const rows = await rowsWith(log, app, ['letters'], signal, (records) => onRead(`${records} rows of objects read`))
  for (const stretch of stretches) {
    const { partition } = stretch
    if (after !== undefined && partition < after.partition) continue
    const start = after?.partition === partition ? Math.max(stretch.start, after.offset + 1) : stretch.start
    const rest = onlyOf({ ...stretch, start }, filter)
    const over = await overIn(log, rest, app, signal)
    for await (const records of answersIn(log, rest, signal)) {
      const found: FoundLetter[] = []
      for (const cursor of records) {
        const section = cursor.headerSection()
        const facts = factsIn(section)
        if (facts?.over !== undefined || !fits(filter, { partition, offset: cursor.offset }, facts)) continue
        if (!isWithin(written, facts?.written)) continue
        const status = statusOf(app, facts, rows, over.has(cursor.offset))
        if (!all && status === 'done') continue
        const [, ours] = ownHeaders(section) ?? []
        const own = (name: string): string | undefined => {
          const value = ours?.get(`millrace.${name}`)
          return value === undefined || value === null ? undefined : asBuffer(value).toString('utf8')
        }
        const { offset } = cursor
        found.push({
          partition,
          offset,
          status,
          facts,
          own,
          key: keyBytes(cursor),
          value: valueBytes(cursor),
        })
      }
      if (found.length > 0) yield found
      onRead(`${stretch.topic}[${partition}]: letters read`)
    }
  }
}

function isWithin({ since, until }: NonNullable<LetterSearch['written']>, written = NaN): boolean {
  return (since === undefined || written >= since) && (until === undefined || written < until)
}

async function lettersOfApp(log: LogPort, app: string): Promise<readonly Extent[]> {
  const topic = deadLetterTopic(app)
  const stretches = await topicExtents(log, topic)
  if (stretches !== undefined) return stretches
  throw new CliError('notFound', `there is no topic '${topic}' on this cluster: has an app '${app}' ever run here?`)
}

/** Where one letter is asked for, only its place is read. */
function onlyOf(stretch: Extent, { letter }: LetterFilter): Extent {
  if (letter === undefined) return stretch
  if (letter.partition !== stretch.partition) return { ...stretch, start: stretch.end }
  const start = Math.max(stretch.start, letter.offset)
  // Up to the end, since behind it stands whether it is over.
  return { ...stretch, start: Math.min(start, stretch.end) }
}

/** Offsets of letters without an object that need nothing any more: that stands behind them. */
async function overIn(log: LogPort, stretch: Extent, app: string, signal: AbortSignal): Promise<ReadonlySet<Offset>> {
  const over = new Set<Offset>()
  for await (const records of answersIn(log, stretch, signal)) {
    for (const cursor of records) {
      const facts = factsIn(cursor.headerSection())
      if (facts?.app === app && facts.over !== undefined) over.add(facts.over)
    }
  }
  return over
}

/** An object's row says how far its letters have had their turn. */
function statusOf(
  app: string,
  facts: LetterFacts | undefined,
  rows: ReadonlyMap<string, FoundRow>,
  isOver: boolean,
): LetterStatus {
  if (facts === undefined || facts.app !== app) return 'foreign'
  if (facts.kind === undefined || facts.key === undefined || facts.series === undefined || facts.number === undefined)
    return isOver ? 'done' : 'open'
  if (isDone(facts, rows)) return 'done'
  return facts.isAgain ? 'again' : 'open'
}

/** Whether the object of a letter has had it, or is free of letters. One without an object has none to say so. */
export function isDone({ kind, key, series, number }: LetterFacts, rows: ReadonlyMap<string, FoundRow>): boolean {
  if (kind === undefined || key === undefined || series === undefined || number === undefined) return false
  const letters = rows.get(rowKey(kind, key))?.row.letters
  return letters?.series !== series || number <= letters.done
}
