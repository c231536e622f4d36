import { MillraceError } from '../../core/errors.js'
import { offsetOf, PositionMap } from '../../core/record.js'
import type { Extent } from '../../log/client/extents.js'
import { loadCompressions } from '../../log/compression/compression.js'
import type { Fetched, LogPort, RecordCursor } from '../../log/port.js'
import { factsIn, type LetterFacts } from '../../turn/failing/letter.js'
import { fits, type LetterFilter, type Place } from './letters.js'

/** What there is of one partition of the dead-letter topic. */
export interface Span extends Extent {
  /** The offset up to which replays have gone. This one ends at the end. */
  readonly position: number
}

/** The letters of an object that are to be sent: those of this series with numbers from `first` to `last`. */
interface Wanted {
  readonly series: string
  first: number
  last: number
}

export const objectName = (kind: string, key: string): string => `${kind} ${key}`

/**
 * Which letters of a partition are to be sent, found out before any is. Those of an object are replayed from the oldest on: one that
 * failed again begins anew where it first stood, and one that is picked takes those before it.
 */
export class Survey {
  readonly #app: string
  readonly #span: Span
  /** Undefined: all that have come since the last replay. */
  readonly #picks: readonly LetterFilter[] | undefined
  /** Those of the picks that some letter has fitted so far. */
  readonly fitting = new Set<LetterFilter>()
  readonly #objects = new Map<string, Wanted>()
  /** Offsets of letters that need nothing any more. */
  readonly #over = new Set<number>()

  constructor(app: string, span: Span, picks: readonly LetterFilter[] | undefined) {
    this.#app = app
    this.#span = span
    this.#picks = picks
  }

  /** Where to look. */
  get surveyed(): number {
    return this.#picks === undefined ? this.#span.position : this.#span.start
  }

  /** Where the letters that are to be sent begin. */
  get from(): number {
    return this.#objects.size > 0 ? this.#span.start : this.surveyed
  }

  see(cursor: RecordCursor): void {
    const facts = factsIn(cursor.headerSection())
    if (facts?.over === undefined) this.#noteFitting(place(this.#span, cursor), facts)
    if (facts?.app !== this.#app) return
    if (facts.over !== undefined) this.#over.add(facts.over)
    const { kind, key, series, number } = facts
    if (kind === undefined || key === undefined || series === undefined || number === undefined) return
    if (this.#picks === undefined ? !facts.isAgain : !this.isPicked(place(this.#span, cursor), facts)) return
    const name = objectName(kind, key)
    const known = this.#objects.get(name)
    const first = this.#picks === undefined ? number : 0
    const last = this.#picks === undefined ? Infinity : number
    if (known?.series !== series) this.#objects.set(name, { series, first, last })
    else {
      known.first = Math.min(known.first, first)
      known.last = Math.max(known.last, last)
    }
  }

  #noteFitting(at: Place, facts: LetterFacts | undefined): void {
    for (const one of this.#picks ?? []) if (fits(one, at, facts)) this.fitting.add(one)
  }

  isPicked(at: Place, facts: LetterFacts | undefined): boolean {
    return this.#picks === undefined
      ? at.offset >= this.#span.position
      : this.#picks.some((one) => fits(one, at, facts))
  }

  isOver(offset: number): boolean {
    return this.#over.has(offset)
  }

  /** Whether one of an object is to be sent. */
  sends(name: string, series: string, number: number, offset: number): boolean {
    const wanted = this.#objects.get(name)
    if (wanted?.series === series) return number >= wanted.first && number <= wanted.last
    return this.#picks === undefined && offset >= this.#span.position
  }
}

export const place = ({ partition }: Pick<Span, 'partition'>, { offset }: Pick<RecordCursor, 'offset'>): Place => ({
  partition,
  offset,
})

/** Hands over what was fetched of a partition between two offsets, answer by answer. */
export async function eachAnswer(
  log: LogPort,
  { topic, partition, end }: Span,
  from: number,
  take: (fetched: Fetched) => void | Promise<void>,
): Promise<void> {
  for (let at = from; at < end;) {
    await using fetcher = log.fetcher({ isolation: 'committed', purpose: 'restore', maxBytes })
    fetcher.assign(PositionMap.of([[topic, partition, at]]).topics)
    while (at < end) {
      const answer = await fetcher.next(new AbortController().signal).catch(trimmed)
      if (answer === undefined) {
        const first = offsetOf(await log.admin.startOffsets([{ topic, partition }]), topic, partition)
        at = Math.max(at + 1, first ?? end)
        break
      }
      for (const fetched of answer) {
        await loadCompressions(fetched.bytes)
        await take(fetched)
        at = fetched.to
      }
    }
  }
}

/** Retention goes on meanwhile: letters that it removes are there no more. */
function trimmed(error: unknown): undefined {
  if (!MillraceError.is(error, 'OFFSET_OUT_OF_RANGE')) throw error
}

const maxBytes = 1 << 20
