import { isUtf8 } from 'node:buffer'
import type { types } from 'avsc'
import { MillraceError } from '../../core/errors.js'
import { concrete, nameOf, type AvroType } from './avro-type.js'

/** Throws `VALUE_INVALID` unless a range of bytes is one whole value. */
export type Bounds = (bytes: Buffer, start: number, end: number) => void

/** Of items that take no bytes, such as nulls: a few bytes could say that there are billions of them. */
const maxEmptyItems = 65_536

/**
 * Walks bytes as their writer's type says they are. For use before avsc reads them: given bytes of another kind avsc
 * believes their counts and lengths, and ends out of memory instead of with an error.
 */
export function boundsOf(type: AvroType): Bounds {
  let data: Buffer = Buffer.alloc(0)
  let first = 0
  let at = 0
  let limit = 0
  let emptyItems = 0
  const records = new Map<AvroType, () => void>()
  const walk = walkOf(type)
  return (bytes, start, end) => {
    data = bytes
    first = at = start
    limit = end
    emptyItems = 0
    walk()
    if (at !== end) throw invalid(`${end - at} bytes follow the value`)
  }

  function walkOf(wrapped: AvroType): () => void {
    const of = concrete(wrapped)
    switch (of.typeName) {
      case 'null':
        return () => undefined
      case 'boolean':
        return () => skip(1)
      case 'float':
        return () => skip(4)
      case 'double':
        return () => skip(8)
      case 'bytes':
        return () => skip(long())
      case 'string':
        return () => text(long())
      case 'fixed':
        return () => skip((of as types.FixedType).size)
      case 'enum':
        return () => void index((of as types.EnumType).symbols.length)
      case 'array':
        return blocks(walkOf((of as types.ArrayType).itemsType))
      case 'map': {
        const value = walkOf((of as types.MapType).valuesType as AvroType)
        return blocks(() => {
          text(long())
          value()
        })
      }
      case 'record':
      case 'error':
        return records.get(of) ?? recordWalk(of as types.RecordType)
      case 'union:wrapped':
      case 'union:unwrapped': {
        const branches = (of as types.WrappedUnionType).types.map(walkOf)
        return () => branches[index(branches.length)]?.()
      }
      default:
        return () => void long()
    }
  }

  function recordWalk(record: types.RecordType): () => void {
    const fields: (() => void)[] = []
    const walk = (): void => {
      for (const field of fields) field()
    }
    // Known before its fields are looked at, since it may hold itself.
    records.set(record, walk)
    for (const field of record.fields) fields.push(walkOf(field.type))
    return walk
  }

  function blocks(item: () => void): () => void {
    return () => {
      for (let count = long(); count !== 0; count = long()) {
        // A negative count is followed by the size of its block, for readers that skip it.
        const size = count < 0 ? long() : undefined
        const start = at
        for (let n = Math.abs(count); n > 0; n--) {
          const before = at
          item()
          if (at === before && ++emptyItems > maxEmptyItems) throw invalid(`more than ${maxEmptyItems} empty items`)
        }
        if (size !== undefined && at - start !== size) throw invalid(`a block of ${size} bytes has ${at - start}`)
      }
    }
  }

  function index(count: number): number {
    const value = long()
    if (value >= 0 && value < count) return value
    throw invalid(`branch or symbol ${value} of ${count}`)
  }

  function long(): number {
    let bits = 0
    let unit = 1
    for (let n = 0; n < 10; n++) {
      if (at >= limit) throw invalid('it ends within a number')
      const byte = data[at++] as number
      bits += (byte & 0x7f) * unit
      if (byte < 0x80) return bits % 2 === 0 ? bits / 2 : -(bits + 1) / 2
      unit *= 128
    }
    throw invalid('a number of more than 64 bits')
  }

  function skip(length: number): void {
    if (length < 0) throw invalid(`a length of ${length}`)
    at += length
    if (at > limit) throw invalid(`it ends ${at - limit} bytes too early`)
  }

  /** UTF-8: other bytes would be read as U+FFFD. */
  function text(length: number): void {
    const start = at
    skip(length)
    for (let i = start; i < at; i++) {
      if ((data[i] as number) < 0x80) continue
      if (!isUtf8(data.subarray(start, at))) throw invalid('text that is not UTF-8')
      return
    }
  }

  function invalid(why: string): MillraceError {
    return new MillraceError(
      'VALUE_INVALID',
      `not an Avro ${nameOf(type)} (byte ${Math.min(at, limit) - first}: ${why})`,
    )
  }
}
