import { asBuffer, latin1Text } from '../../core/bytes.js'
import { varintSize, writeVarint, VarintReader } from '../../log/format/varint.js'
import type { Table } from '../../state/table.js'
import { isPart, partMark, partRow, type RowStateKind } from './row-kind.js'

/** Bytes of one row at most, without its key. */
const mostBytes = 262_144
/** What a record alone in its batch has beside its key and a part: more than certainly. */
const overhead = 200

/**
 * What is too much for the row of an object: bytes in rows of their own beside it, as many as it takes. So each row is small,
 * whatever waits, and none is written again when another changes.
 */
export class Parts {
  readonly #rows: Table
  readonly #owner: string
  readonly #seq: number

  /** `owner`: key of the row that they belong to; `seq`: the commit that carries what changes. */
  constructor(rows: Table, owner: string, seq: number) {
    this.#rows = rows
    this.#owner = owner
    this.#seq = seq
  }

  put(name: string, bytes: Uint8Array): void {
    const partBytes = this.#partBytes(name)
    const count = Math.max(1, Math.ceil(bytes.length / partBytes))
    for (let index = 0; index < count; index++) {
      const part = bytes.subarray(index * partBytes, (index + 1) * partBytes)
      this.#change(name, index, marked(part, index === 0 ? count : undefined))
    }
  }

  /** Undefined when there is nothing of this name. */
  get(name: string): Buffer | undefined {
    return joined((index) => this.#read(name, index))
  }

  delete(name: string): void {
    const count = this.#read(name, 0)?.count ?? 0
    for (let index = 0; index < count; index++) this.#change(name, index, undefined)
  }

  /** As the topic takes it, also when that is little. */
  #partBytes(name: string): number {
    const { rule } = this.#rows.kind as RowStateKind
    const keyBytes = Buffer.byteLength(partRow(this.#owner, name, 0))
    return Math.max(1_024, Math.min(mostBytes, rule.maxBytes - keyBytes - overhead))
  }

  #change(name: string, index: number, state: string | undefined): void {
    const key = partRow(this.#owner, name, index)
    const entry = this.#rows.cached(key) ?? this.#rows.load(key)
    entry.state = state
    this.#rows.changed(entry, this.#seq)
  }

  /** Not through the cache, where large ones would be kept by number. */
  #read(name: string, index: number): Part | undefined {
    const key = partRow(this.#owner, name, index)
    const entry = this.#rows.cached(key)
    return partIn(entry === undefined ? this.#rows.committedState(key) : entry.state, index)
  }
}

interface Part {
  /** Of all of them; in the first one. */
  readonly count: number
  readonly bytes: Buffer
}

/** What parts hold as last committed; undefined when there is nothing of this name. */
export function committedPart(rows: Table, owner: string, name: string): Buffer | undefined {
  return joined((index) => partIn(rows.committedText(partRow(owner, name, index)), index))
}

function joined(read: (index: number) => Part | undefined): Buffer | undefined {
  const first = read(0)
  if (first === undefined) return undefined
  const { count, bytes } = first
  if (count === 1) return bytes
  const rest = Array.from({ length: count - 1 }, (_, index) => read(index + 1)?.bytes)
  return rest.some((part) => part === undefined) ? undefined : Buffer.concat([bytes, ...(rest as Buffer[])])
}

function partIn(state: unknown, index: number): Part | undefined {
  if (typeof state !== 'string' || !isPart(state)) return undefined
  const bytes = Buffer.from(state, 'latin1')
  const reader = new VarintReader(bytes, partMark.length)
  const count = index === 0 ? reader.int() : 1
  return { count, bytes: bytes.subarray(reader.position) }
}

/** As a row has it: one character per byte, behind a mark, and in the first part behind the number of all. */
function marked(part: Uint8Array, count: number | undefined): string {
  const text = latin1Text(asBuffer(part), 0, part.length)
  if (count === undefined) return partMark + text
  const number = Buffer.alloc(varintSize(count))
  writeVarint(number, 0, count)
  return partMark + latin1Text(number, 0, number.length) + text
}
