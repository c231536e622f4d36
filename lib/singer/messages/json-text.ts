import { randomUUID } from 'node:crypto'
import { types } from 'node:util'
import { isBytes } from '../../core/bytes.js'

/** Before the digits of a bigint, in text that nobody can have written before. */
const mark = `bigint ${randomUUID()} `
const marked = new RegExp(`"${mark}(-?\\d+)"`, 'g')

/**
 * JSON of a value of a topic: bigints with all their digits, dates as ISO 8601, bytes in base64. Throws for what JSON would silently leave
 * out or change, such as a Map, NaN, a Date that is none, or a function; and for text that has no form in UTF-8.
 */
export function jsonText(value: object): string {
  let hasBigint = false
  const text = JSON.stringify(value, function (this: Record<string, unknown>, name, part: unknown) {
    if (!name.isWellFormed()) throw new Error(`a name has half a surrogate pair: ${JSON.stringify(name.slice(0, 100))}`)
    switch (typeof part) {
      case 'string':
        if (part.isWellFormed()) return part
        throw new Error(`${place(name)} has half a surrogate pair`)
      case 'undefined':
        if (!Array.isArray(this)) return undefined
        throw new Error(`${place(name)} is undefined, in a list`)
      case 'number':
        if (Number.isFinite(part)) return part
        throw new Error(`${place(name)} is ${part}, which JSON does not have`)
      case 'bigint':
        hasBigint = true
        return `${mark}${part}`
      case 'object':
        return objectPart(part, this[name], name)
      case 'function':
      case 'symbol':
        throw new Error(`${place(name)} is a ${typeof part}, which JSON does not have`)
      default:
        return part
    }
  })
  return hasBigint ? text.replace(marked, '$1') : text
}

/** `before`: what it was before its `toJSON` was asked, which Buffers have, and Dates. */
function objectPart(part: object | null, before: unknown, name: string): unknown {
  if (types.isDate(before) && Number.isNaN(before.getTime())) throw new Error(`${place(name)} is a Date that is none`)
  if (part === null) return null
  if (isBytes(before)) return Buffer.from(before.buffer, before.byteOffset, before.length).toString('base64')
  // Of objects as they are written, and of classes of users, that tag is the same.
  const kind = Object.prototype.toString.call(part).slice('[object '.length, -1)
  if (kind === 'Object' || kind === 'Array') return part
  throw new Error(`${place(name)} is a ${kind}, which JSON does not have`)
}

const place = (name: string): string => (name === '' ? 'the value' : `'${name.slice(0, 100)}'`)
