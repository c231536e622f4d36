import { randomUUID } from 'node:crypto'
import { isBytes } from '../../core/bytes.js'

/** Before the digits of a bigint, in text that nobody can have written before. */
const mark = `bigint ${randomUUID()} `
const marked = new RegExp(`"${mark}(-?\\d+)"`, 'g')

/**
 * JSON of a value of a topic: bigints with all their digits, dates as ISO 8601, bytes in base64. Throws for what JSON would silently leave
 * out or change: Map, Set, NaN, Infinity, functions.
 */
export function jsonText(value: object): string {
  let hasBigint = false
  const text = JSON.stringify(value, function (this: Record<string, unknown>, name, part: unknown) {
    switch (typeof part) {
      case 'number':
        if (Number.isFinite(part)) return part
        throw new Error(`${place(name)} is ${part}, which JSON does not have`)
      case 'bigint':
        hasBigint = true
        return `${mark}${part}`
      case 'object':
        return part === null ? null : objectPart(part, this[name], name)
      case 'function':
      case 'symbol':
        throw new Error(`${place(name)} is a ${typeof part}, which JSON does not have`)
      default:
        return part
    }
  })
  return hasBigint ? text.replace(marked, '$1') : text
}

/** `before`: what it was before its `toJSON` was asked, which Buffers have. */
function objectPart(part: object, before: unknown, name: string): unknown {
  if (isBytes(before)) return Buffer.from(before.buffer, before.byteOffset, before.length).toString('base64')
  if (part instanceof Map || part instanceof Set)
    throw new Error(`${place(name)} is a ${part.constructor.name}, which JSON does not have`)
  return part
}

const place = (name: string): string => (name === '' ? 'the value' : `'${name.slice(0, 100)}'`)
