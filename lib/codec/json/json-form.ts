import { types } from 'node:util'
import { isThenable } from '../../core/record-checks.js'
import { isPlainObject } from '../difference.js'

// Globals are looked up once: in the contexts that tests run in, each look costs a microsecond.
const { isArray } = Array
const { getPrototypeOf, prototype: objectPrototype } = Object
const { isFinite, MAX_SAFE_INTEGER: maxSafe } = Number

/** Objects in each other, above which a value is refused: other readers give up there too, and the stack would end somewhere. */
export const mostLevels = 1_000

/** JSON holds the value. */
export const plain = 0
/** `JSON.stringify` would not write all of it as it is: it has −0, a whole number beyond 2^53, or a bigint. */
export const exact = 1
/** It has instances of classes, which are written as what they hold or as their `toJSON` says. */
export const made = 2
/** JSON has no form for part of it. */
export const none = -1

/**
 * Whether JSON has a form for a value: a sum of the above, or `none`. 40 ns for an object of 3 fields and 70 ns for one of 6
 * with an array (Node 20), against 260 and 580 ns for `JSON.stringify`. Throws what getters throw.
 */
export function jsonForm(value: unknown, bigints: boolean, levels = 0): number {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return plain
    case 'number':
      return numberForm(value)
    case 'bigint':
      return bigints ? exact : none
    case 'object': {
      if (value === null) return plain
      if (levels === mostLevels) return none
      if (isArray(value)) return arrayForm(value, bigints, levels + 1)
      const prototype: unknown = getPrototypeOf(value)
      if (prototype === objectPrototype || prototype === null || isPlainObject(value))
        return fieldsForm(value, bigints, levels + 1)
      return instanceForm(value, bigints, levels + 1)
    }
    default:
      return none
  }
}

function numberForm(value: number): number {
  if (value <= maxSafe && value >= -maxSafe) return value !== 0 || 1 / value > 0 ? plain : exact
  return isFinite(value) ? exact : none
}

function arrayForm(items: readonly unknown[], bigints: boolean, levels: number): number {
  let form = plain
  for (let i = 0; i < items.length; i++) {
    const own = jsonForm(items[i], bigints, levels)
    if (own === none) return none
    form |= own
  }
  return form
}

function fieldsForm(fields: object, bigints: boolean, levels: number): number {
  let form = plain
  for (const name in fields) {
    const field = (fields as Readonly<Record<string, unknown>>)[name]
    if (field === undefined) continue
    const own = jsonForm(field, bigints, levels)
    if (own === none) return none
    form |= own
  }
  return form
}

function instanceForm(value: object, bigints: boolean, levels: number): number {
  if (hasNoForm(value)) return none
  const { toJSON } = value as { readonly toJSON?: unknown }
  const own =
    typeof toJSON === 'function'
      ? jsonForm(toJSON.call(value, ''), bigints, levels)
      : fieldsForm({ ...value }, bigints, levels)
  return own === none ? none : own | made
}

/** What `JSON.stringify` writes without a word as something else entirely. */
export function hasNoForm(value: object): boolean {
  return (
    isThenable(value) ||
    ArrayBuffer.isView(value) ||
    types.isAnyArrayBuffer(value) ||
    types.isMap(value) ||
    types.isSet(value) ||
    types.isWeakMap(value) ||
    types.isWeakSet(value) ||
    types.isRegExp(value) ||
    types.isNativeError(value) ||
    types.isBoxedPrimitive(value) ||
    (types.isDate(value) && Number.isNaN(value.getTime()))
  )
}
