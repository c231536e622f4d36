import { MillraceError } from '../../core/errors.js'
import type { HeaderSection } from '../../log/format/record-headers.js'
import { readAddress, writeAddress } from './address.js'
import type { CarriedTurn, ReplayedLetter } from './carried.js'
import { FieldReader, FieldWriter } from './fields.js'
import type { Table } from '../../state/table.js'
import { committedPart, type Parts } from './parts.js'
import { rowKey, type Row, type Span, type WaitingTurns } from './row.js'

/** The turns that wait for one object, oldest first, replayed dead letters before all others. Its row says how many there are. */
export class Waiting {
  readonly #row: Row
  readonly #parts: Parts

  constructor(row: Row, parts: Parts) {
    this.#row = row
    this.#parts = parts
  }

  get count(): number {
    return countOf(this.#row)
  }

  get letters(): number {
    const { waiting } = this.#row
    return waiting === undefined ? 0 : sizeOf(waiting.letters)
  }

  get bytes(): number {
    return this.#row.waiting?.bytes ?? 0
  }

  /** The one that comes first. */
  get first(): CarriedTurn | undefined {
    const next = this.#first()
    return next && unpacked(this.#read(next.name))
  }

  /** Behind those of its sort. */
  add(turn: CarriedTurn): void {
    const waiting = (this.#row.waiting ??= { letters: { first: 0, end: 0 }, others: { first: 0, end: 0 }, bytes: 0 })
    const span = turn.letter === undefined ? waiting.others : waiting.letters
    if (turn.letter !== undefined) waiting.taken = turn.letter.number
    const bytes = packed(turn)
    this.#parts.put(nameOf(waiting, span, span.end++), bytes)
    waiting.bytes += bytes.length
  }

  /** Takes out the one that comes first. */
  shift(): CarriedTurn | undefined {
    return this.#take(this.#first())
  }

  /** Takes out the first of its sort: while a turn is under way that waits, others of the other sort may come. */
  shiftOf(letter: ReplayedLetter | undefined): CarriedTurn | undefined {
    const { waiting } = this.#row
    return waiting && this.#take(firstOf(waiting, letter === undefined ? waiting.others : waiting.letters))
  }

  #take(next: { readonly span: Span; readonly name: string } | undefined): CarriedTurn | undefined {
    const { waiting } = this.#row
    if (waiting === undefined || next === undefined) return undefined
    const bytes = this.#read(next.name)
    this.#parts.delete(next.name)
    next.span.first++
    waiting.bytes -= bytes.length
    if (this.count === 0) delete this.#row.waiting
    return unpacked(bytes)
  }

  /** Takes out the replayed dead letters: letters they are still. */
  dropLetters(): void {
    while (this.letters > 0) this.shift()
  }

  #first(): { readonly span: Span; readonly name: string } | undefined {
    const { waiting } = this.#row
    if (waiting === undefined) return undefined
    return firstOf(waiting, sizeOf(waiting.letters) > 0 ? waiting.letters : waiting.others)
  }

  #read(name: string): Buffer {
    const bytes = this.#parts.get(name)
    if (bytes !== undefined) return bytes
    throw new MillraceError(
      'STATE_UNREADABLE',
      `a turn that waits (${name}) is missing in the rows of its object. If nobody writes to the timer topic but this app, it is a fault of Millrace: please report it.`,
    )
  }
}

/**
 * Whether a turn waits for an object, as last committed, of a record of this partition at or before this offset: it has failed, or
 * was under way at the commit, or is behind one of those. Replayed dead letters do not count.
 */
export function waitsFor(
  rows: Table,
  object: { readonly kind: string; readonly key: string },
  record: { readonly topic: string; readonly partition: number; readonly offset: number },
): boolean {
  const owner = rowKey(object.kind, object.key)
  const text = rows.committedText(owner)
  const waiting = text === undefined ? undefined : (rows.stored.decode(owner, text) as Row).waiting
  if (waiting === undefined) return false
  const { others } = waiting
  for (let number = others.first; number < others.end; number++) {
    const bytes = committedPart(rows, owner, nameOf(waiting, others, number))
    if (bytes === undefined) continue
    const { topic, partition, offset } = readAddress(new FieldReader(bytes))
    if (topic === record.topic && partition === record.partition && offset <= record.offset) return true
  }
  return false
}

/** How many turns wait, as the row says. */
export const countOf = ({ waiting }: Row): number =>
  waiting === undefined ? 0 : sizeOf(waiting.letters) + sizeOf(waiting.others)

const sizeOf = ({ first, end }: Span): number => end - first

const firstOf = (waiting: WaitingTurns, span: Span): { readonly span: Span; readonly name: string } | undefined =>
  sizeOf(span) > 0 ? { span, name: nameOf(waiting, span, span.first) } : undefined

const nameOf = (waiting: WaitingTurns, span: Span, number: number): string =>
  `${span === waiting.letters ? 'l' : 'w'}${number}`

const fields = new FieldWriter()

/** Valid until the next one is packed. */
function packed(turn: CarriedTurn): Uint8Array {
  writeAddress(fields, turn)
  return fields.bytes(turn.record.headers).bytes(turn.record.value).take()
}

function unpacked(bytes: Buffer): CarriedTurn {
  const read = new FieldReader(bytes)
  const { source, way, element, letter, streamTime, ...record } = readAddress(read)
  const headers = read.bytes() as HeaderSection
  return { source, way, element, letter, streamTime, record: { ...record, headers, value: read.bytes() } }
}
