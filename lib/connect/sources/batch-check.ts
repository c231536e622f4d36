import { kindOf } from '../../core/record-checks.js'
import type { Json } from '../json.js'
import { sourceFailed } from './setting.js'
import type { SourceBatch } from '../source.js'

/** A batch of a connector, as far as it is looked at before its records are. */
export interface GivenBatch {
  readonly records: readonly unknown[]
  /** As JSON. */
  readonly position: string | undefined
  readonly ack: SourceBatch['ack']
}

/** Throws `SOURCE_FAILED` for what is no batch. */
export function givenBatch(place: string, batch: unknown, isReplayable: boolean): GivenBatch {
  if (typeof batch !== 'object' || batch === null)
    throw sourceFailed(place, `it gave ${kindOf(batch)} for a batch; give { records }`)
  const { records, position, ack } = fieldsOf(place, batch)
  if (!Array.isArray(records))
    throw sourceFailed(place, `the records of its batch are ${kindOf(records)}; give an array`)
  if (ack !== undefined && typeof ack !== 'function')
    throw sourceFailed(place, `ack of its batch is ${kindOf(ack)}; give a function`)
  if (position === undefined) {
    if (!isReplayable || records.length === 0) return { records, position: undefined, ack: ack as SourceBatch['ack'] }
    throw sourceFailed(place, 'it is replayable, and its batch has no position: give where to go on behind it')
  }
  try {
    return { records, position: positionText(position), ack: ack as SourceBatch['ack'] }
  } catch (cause) {
    throw sourceFailed(place, 'the position of its batch cannot be kept', cause)
  }
}

interface Fields {
  readonly records: unknown
  readonly position: unknown
  readonly ack: unknown
}

/** Read once, and ack with its batch: it may be a method. */
function fieldsOf(place: string, batch: object): Fields {
  try {
    const { records, position } = batch as Fields
    const { ack } = batch as { readonly ack?: unknown }
    const bound = typeof ack === 'function' ? (refused: unknown): unknown => ack.call(batch, refused) : ack
    return { records, position, ack: bound }
  } catch (cause) {
    throw sourceFailed(place, 'a batch of it cannot be read', cause)
  }
}

/** Bytes of a position as JSON: it is written with each commit. */
const longest = 500_000
const deepest = 100

/** A position as JSON. Throws a sentence about what it is instead. */
function positionText(position: unknown): string {
  demandJson(position, deepest)
  const text = JSON.stringify(position)
  const bytes = Buffer.byteLength(text)
  if (bytes <= longest) return text
  throw new TypeError(`it has ${bytes} bytes as JSON; a position has at most ${longest}`)
}

/** What comes back from JSON as it was. Cycles are deeper than anything that is none. */
function demandJson(value: unknown, depth: number): asserts value is Json {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return
  if (typeof value === 'number') {
    if (Number.isFinite(value)) return
    throw new TypeError(`it holds ${value}, which JSON has no form for`)
  }
  if (typeof value !== 'object')
    throw new TypeError(
      `it holds ${value === undefined ? 'undefined' : `a ${typeof value}`}, which JSON has no form for`,
    )
  if (depth === 0) throw new TypeError(`it is a cycle, or more than ${deepest} objects deep`)
  if (Array.isArray(value)) {
    for (const part of value) demandJson(part, depth - 1)
    return
  }
  const prototype: unknown = Object.getPrototypeOf(value)
  const isPlain = prototype === null || Object.getPrototypeOf(prototype) === null
  if (!isPlain || typeof (value as { toJSON?: unknown }).toJSON === 'function')
    throw new TypeError('it holds an object of a class, which does not come back from JSON as it was')
  // An undefined field is the same as none.
  for (const part of Object.values(value)) if (part !== undefined) demandJson(part, depth - 1)
}
