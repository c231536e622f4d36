import type { Clock } from '../../core/clock.js'
import { HttpError } from '../../http/http-error.js'
import type { LogPort, RecordCursor } from '../../log/port.js'
import { ownPrefix } from '../../log/letter-headers.js'
import { headersOf } from '../../log/format/header-section.js'
import { asBuffer } from '../../core/bytes.js'
import { factsIn, ownHeaders, type LetterFacts } from '../../turn/failing/letter.js'
import type { LetterDetail, LetterLine, LetterPage, LetterStanding } from '../overview/shapes.js'
import { cursorText, positionsIn } from './letter-cursor.js'
import type { Extent } from '../../log/client/extents.js'
import { TopicTail } from './letter-log.js'
import { patiently } from './patiently.js'
import { longText, shortText, shownBytes } from './preview.js'

/** Which letters are asked for: those of which all holds that is said. */
export interface LetterQuery {
  readonly kind?: string | undefined
  readonly key?: string | undefined
  readonly code?: string | undefined
  /** Where to go on: `next` of the page before. */
  readonly before?: string | undefined
  readonly limit: number
}

/** What an object says of its letters: null when it has none; undefined when whoever has it cannot be asked. */
export type AskStanding = (
  objects: readonly { readonly kind: string; readonly key: string }[],
) => Promise<readonly (LetterStanding | null | undefined)[]>

/** Records looked at for one page, of each partition: a filter that fits nothing must not read a topic of millions. */
const mostLooked = 20_000
const firstStep = 256
/** Records before the end in which marks are looked for. */
const mostMarked = 2 * mostLooked
/** Characters of a message in a list. */
const longestMessage = 1_000
/** Brokers that are away would make it wait for ever. */
const patienceMs = 20_000
/** Headers of a record that are shown. */
const mostHeaders = 100

interface Found {
  readonly line: LetterLine
  readonly series: string | undefined
}

/** The dead letters of an app, read from their topic, the last ones first. */
export class Letters {
  readonly #app: string
  readonly #tail: TopicTail
  readonly #ask: AskStanding
  readonly #clock: Clock
  /** By partition: marks of letters that need nothing more, and from which offset to which they have been looked for. */
  readonly #marks = new Map<number, Marks>()

  constructor(log: LogPort, app: string, topic: string, ask: AskStanding, clock: Clock) {
    this.#app = app
    this.#tail = new TopicTail(log, topic)
    this.#ask = ask
    this.#clock = clock
  }

  /** Rejects with `READ_TIMEOUT` while brokers are away, as `detail` does. */
  page(query: LetterQuery, signal: AbortSignal): Promise<LetterPage> {
    return patiently(this.#clock, patienceMs, signal, (until) => this.#page(query, until))
  }

  async #page(query: LetterQuery, signal: AbortSignal): Promise<LetterPage> {
    const { topic } = this.#tail
    const extents = await this.#tail.extents()
    const before = positionsIn(query.before)
    const all: Ranked[] = []
    const below = new Map<number, number>()
    const looks = extents.map(async (extent) => {
      const end = Math.min(before.get(extent.partition) ?? extent.end, extent.end)
      const { found, from } = await this.#last(extent, end, query, signal)
      all.push(...ranked(found))
      below.set(extent.partition, from)
    })
    await Promise.all(looks)
    all.sort((a, b) => b.rank - a.rank || b.line.offset - a.line.offset)
    const shown = all.slice(0, query.limit)
    // What was found and is not shown is for the next page.
    for (const { line } of all.slice(query.limit))
      below.set(line.partition, Math.max(below.get(line.partition) ?? 0, line.offset + 1))
    const next = extents.some(({ partition, start }) => (below.get(partition) ?? 0) > start)
    return { topic, letters: await this.#settled(shown), next: next ? cursorText(below) : undefined }
  }

  /** Throws `OFFSET_OUT_OF_RANGE` for one that is not there, or not any more. */
  detail(partition: number, offset: number, signal: AbortSignal): Promise<LetterDetail> {
    return patiently(this.#clock, patienceMs, signal, (until) => this.#detail(partition, offset, until))
  }

  async #detail(partition: number, offset: number, signal: AbortSignal): Promise<LetterDetail> {
    const { topic } = this.#tail
    const extent = (await this.#tail.extents()).find((each) => each.partition === partition)
    let detail: LetterDetail | undefined
    let found: Found | undefined
    if (extent !== undefined && offset >= extent.start && offset < extent.end) {
      await this.#mark(extent, offset, signal)
      await this.#tail.each(partition, offset, offset + 1, signal, (cursor) => {
        const facts = factsIn(cursor.headerSection())
        found = this.#found(partition, cursor, facts)
        if (found !== undefined && facts !== undefined) detail = detailOf(found.line, cursor, facts)
      })
    }
    if (detail === undefined || found === undefined) {
      const what = `${topic}[${partition}]@${offset} is no dead letter, or is not kept any more`
      throw new HttpError(404, 'OFFSET_OUT_OF_RANGE', what, { topic, partition, offset })
    }
    const [settled] = await this.#settled([found])
    return { ...detail, status: settled?.status ?? 'unknown', note: settled?.note }
  }

  /** The last letters of a partition before an offset, at least as many as are asked for where there are. */
  async #last(
    extent: Extent,
    end: number,
    query: LetterQuery,
    signal: AbortSignal,
  ): Promise<{ readonly found: Found[]; readonly from: number }> {
    const found: Found[] = []
    let from = end
    let step = Math.max(firstStep, 2 * query.limit)
    while (from > extent.start && found.length < query.limit && end - from < mostLooked) {
      const to = from
      from = Math.max(extent.start, from - step)
      step *= 2
      await this.#mark(extent, from, signal)
      await this.#tail.each(extent.partition, from, to, signal, (cursor) => {
        const one = this.#found(extent.partition, cursor, factsIn(cursor.headerSection()))
        if (one !== undefined && fits(query, one.line)) found.push(one)
      })
    }
    return { found, from }
  }

  #found(partition: number, cursor: RecordCursor, facts: LetterFacts | undefined): Found | undefined {
    if (facts === undefined || facts.over !== undefined) return undefined
    const { app, code, message, topic, kind, key, number, connector } = facts
    const note = this.#marks.get(partition)?.over.get(cursor.offset)
    const isForeign = app !== this.#app
    const line: LetterLine = {
      partition,
      offset: cursor.offset,
      at: facts.written ?? cursor.timestamp,
      app,
      code,
      message: message?.slice(0, longestMessage).toWellFormed(),
      kind,
      key,
      number,
      connector,
      source: topic === undefined ? undefined : { topic, partition: facts.partition ?? -1, offset: facts.offset ?? -1 },
      status: note !== undefined ? 'done' : facts.isAgain ? 'again' : 'open',
      note: note ?? (isForeign ? `of app '${(app ?? '').slice(0, 100)}'` : undefined),
    }
    return { line, series: facts.series }
  }

  /** Those of objects are done when their object says so. */
  async #settled(all: readonly Found[]): Promise<readonly LetterLine[]> {
    const asked = new Map<string, { readonly kind: string; readonly key: string }>()
    for (const { line } of all) {
      const { kind, key, status } = line
      if (kind !== undefined && key !== undefined && status === 'open') asked.set(`${kind} ${key}`, { kind, key })
    }
    const objects = [...asked.values()]
    const answers = objects.length === 0 ? [] : await this.#ask(objects)
    const standings = new Map([...asked.keys()].map((name, index) => [name, answers[index]]))
    return all.map(({ line, series }) => {
      const name = `${line.kind} ${line.key}`
      if (line.status !== 'open' || !standings.has(name)) return line
      const standing = standings.get(name)
      if (standing === undefined) return { ...line, status: 'unknown' }
      const isOpen = standing !== null && standing.series === series && (line.number ?? 0) > standing.done
      return isOpen
        ? line
        : { ...line, status: 'done', note: 'its object has had this turn, or is free of its letters' }
    })
  }

  /** Marks stand behind their letters: looks for them from an offset to the end, where that has not been done. */
  async #mark(extent: Extent, from: number, signal: AbortSignal): Promise<void> {
    const { partition, end } = extent
    // Of what is so far back only the letters are shown.
    if (end - from > mostMarked) return
    let marks = this.#marks.get(partition)
    if (marks === undefined || marks.high > end || end - marks.low > 2 * mostMarked)
      this.#marks.set(partition, (marks = { low: end, high: end, over: new Map() }))
    const { over } = marks
    const see = (cursor: RecordCursor): void => {
      const section = cursor.headerSection()
      const offset = factsIn(section)?.over
      if (offset !== undefined) over.set(offset, ownText(section, 'letter.why') ?? 'it needs nothing more')
    }
    if (from < marks.low) {
      await this.#tail.each(partition, from, Math.min(marks.low, end), signal, see)
      marks.low = Math.min(marks.low, from)
    }
    if (marks.high < end) {
      await this.#tail.each(partition, marks.high, end, signal, see)
      marks.high = Math.max(marks.high, end)
    }
  }
}

interface Marks {
  low: number
  high: number
  /** By offset of the letter, why. */
  readonly over: Map<number, string>
}

interface Ranked extends Found {
  readonly rank: number
}

/**
 * Those of a partition, the last one first. They stay in the order in which they stand, whatever the clocks of those who wrote
 * them: the next page begins at an offset.
 */
function ranked(found: readonly Found[]): readonly Ranked[] {
  let rank = Infinity
  return [...found]
    .sort((a, b) => b.line.offset - a.line.offset)
    .map((one) => ({ ...one, rank: (rank = Math.min(rank, one.line.at)) }))
}

function fits({ kind, key, code }: LetterQuery, line: LetterLine): boolean {
  if (kind !== undefined && line.kind !== kind) return false
  if (key !== undefined && line.key !== key) return false
  return code === undefined || line.code === code
}

function detailOf(line: LetterLine, cursor: RecordCursor, facts: LetterFacts): LetterDetail {
  const { bytes, keyStart, keyEnd, valueStart, valueEnd } = cursor
  const section = cursor.headerSection()
  const headers = [...headersOf(facts.headers)].slice(0, mostHeaders)
  const value = valueStart < 0 ? null : bytes.subarray(valueStart, valueEnd)
  return {
    ...line,
    message: facts.message,
    version: ownText(section, 'app.version'),
    timestamp: facts.timestamp,
    stack: ownText(section, 'error.stack'),
    recordKey: shownBytes(keyStart < 0 ? null : bytes.subarray(keyStart, keyEnd), 10 * shortText),
    value: shownBytes(value, longText),
    valueBytes: value?.length,
    headers: headers.map(([name, bytes]) => ({ name, value: shownBytes(bytes, 10 * shortText) })),
  }
}

/** One of the headers that are ours. */
function ownText(section: Uint8Array, name: string): string | undefined {
  const value = ownHeaders(section)?.[1].get(ownPrefix + name)
  return value === undefined || value === null ? undefined : asBuffer(value).toString('utf8')
}
