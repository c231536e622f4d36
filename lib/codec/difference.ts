import { types } from 'node:util'
import { stepTo } from './zod-def.js'

const { ownKeys } = Reflect
const { getOwnPropertyDescriptor } = Object

/** What may be changed, because it is documented. */
export interface Tolerance {
  /** Floats become those of 32 bits, and what is undefined null: Avro has such types. */
  readonly avro?: boolean
  /** Fields of objects are gone that the schema does not name. */
  readonly drops?: boolean
}

/**
 * What has become of a value that was written and read again: a sentence on the first place where the two differ, or
 * undefined when they are equal. Fields that are undefined are as good as none, and −0 is 0.
 */
export function difference(before: unknown, after: unknown, tolerance: Tolerance = {}): string | undefined {
  try {
    return differenceAt(before, after, '', tolerance)
  } catch (cause) {
    if (cause instanceof RangeError) return 'it is nested too deeply'
    throw cause
  }
}

function differenceAt(before: unknown, after: unknown, path: string, tolerance: Tolerance): string | undefined {
  if (before === after || Object.is(before, after)) return undefined
  if (typeof before === 'object' && typeof after === 'object' && before !== null && after !== null)
    return ofObjects(before, after, path, tolerance)
  if (tolerance.avro === true && isRounding(before, after)) return undefined
  return changed(path, shown(before), after)
}

function isRounding(before: unknown, after: unknown): boolean {
  return (before === undefined && after === null) || (typeof before === 'number' && Math.fround(before) === after)
}

function ofObjects(before: object, after: object, path: string, tolerance: Tolerance): string | undefined {
  const kind = kindOfObject(before)
  if (kind !== kindOfObject(after)) return changed(path, shown(before), after)
  if (types.isDate(before)) return ofParts([before.getTime()], [(after as Date).getTime()], shown(before), path, after)
  if (ArrayBuffer.isView(before))
    return bytesOf(before).equals(bytesOf(after as ArrayBufferView)) ? undefined : changed(path, kind, after)
  if (types.isMap(before)) return differenceAt([...before], [...(after as Map<unknown, unknown>)], path, tolerance)
  if (types.isSet(before)) return differenceAt([...before], [...(after as Set<unknown>)], path, tolerance)
  if (types.isRegExp(before)) return ofParts([before.source], [(after as RegExp).source], kind, path, after)
  if (Array.isArray(before)) return ofItems(before, after as unknown[], path, tolerance)
  return ofFields(before, after, path, tolerance)
}

function ofParts(before: [unknown], after: [unknown], what: string, path: string, now: unknown): string | undefined {
  return Object.is(before[0], after[0]) ? undefined : changed(path, what, now)
}

function ofItems(
  before: readonly unknown[],
  after: readonly unknown[],
  path: string,
  tolerance: Tolerance,
): string | undefined {
  if (before.length !== after.length) return changed(path, shown(before), after)
  for (let i = 0; i < before.length; i++) {
    if (before[i] === after[i]) continue
    const different = differenceAt(before[i], after[i], `${path}[${i}]`, tolerance)
    if (different !== undefined) return different
  }
  // Names beside the numbers.
  return ownKeys(before).length === before.length + 1 ? undefined : ofFields(before, after, path, tolerance)
}

/** Own fields, enumerable or not, and by which means they are there: JSON sees to the values of the enumerable ones only. */
function ofFields(before: object, after: object, path: string, tolerance: Tolerance): string | undefined {
  for (const key of ownKeys(before)) {
    const own = getOwnPropertyDescriptor(before, key) as PropertyDescriptor
    const kept = getOwnPropertyDescriptor(after, key)
    const value: unknown = own.get === undefined ? own.value : own.get.call(before)
    if (own.get === undefined && kept !== undefined && value === kept.value) continue
    if (kept === undefined && (value === undefined || (tolerance.drops === true && isDroppable(key)))) continue
    const at = path + (typeof key === 'symbol' ? `[${String(key)}]` : stepTo(key))
    if (own.get !== undefined && kept?.get === undefined)
      return `${named(at)} is computed by a getter and would come back as a plain value`
    if (kept === undefined) return `${named(at)} is ${shown(value)} and would be lost`
    const different = differenceAt(value, kept.get === undefined ? kept.value : kept.get.call(after), at, tolerance)
    if (different !== undefined) return different
  }
  return added(before, after, path, tolerance)
}

function added(before: object, after: object, path: string, tolerance: Tolerance): string | undefined {
  for (const [key, value] of Object.entries(after)) {
    if (Object.hasOwn(before, key) || value === undefined || (tolerance.avro === true && value === null)) continue
    return `${named(path + stepTo(key))} is not there and would come back as ${shown(value)}`
  }
  return undefined
}

/** What a schema may not know. No schema of zod takes this name, and it comes from outside. */
const isDroppable = (key: string | symbol): boolean => typeof key === 'string' && key !== '__proto__'

function changed(path: string, what: string, after: unknown): string {
  return `${named(path)} is ${what} and would come back as ${shown(after)}`
}

const named = (path: string): string => (path === '' ? 'it' : path.replace(/^\./, ''))

const bytesOf = (view: ArrayBufferView): Buffer => Buffer.from(view.buffer, view.byteOffset, view.byteLength)

/** A value in a sentence: `the number 5`, `"abc"`, `a Date`, `an array`. */
export function shown(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return value.length <= 40 ? JSON.stringify(value) : `${JSON.stringify(value.slice(0, 40))}…`
    case 'number':
      return String(value)
    case 'bigint':
      return `the bigint ${value}n`
    case 'symbol':
      return 'a symbol'
    case 'function':
      return 'a function'
    case 'object':
      return value === null ? 'null' : kindOfObject(value)
    default:
      return String(value)
  }
}

/** An object as literals make them, also of another realm (Jest has several). */
export function isPlainObject(value: object): boolean {
  const prototype = Object.getPrototypeOf(value) as object | null
  if (prototype === null || prototype === Object.prototype) return true
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, 'isPrototypeOf')
}

function kindOfObject(value: object): string {
  if (Array.isArray(value)) return 'an array'
  if (isPlainObject(value)) return 'a plain object'
  if (types.isPromise(value)) return 'a promise'
  const { constructor } = value as { readonly constructor?: unknown }
  const name = typeof constructor === 'function' ? constructor.name : ''
  return name === '' || name === 'Object'
    ? 'an object with a prototype of its own'
    : `${/^[AEIO]/.test(name) ? 'an' : 'a'} ${name}`
}
