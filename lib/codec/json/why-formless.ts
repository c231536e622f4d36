import { MillraceError, reasonOf } from '../../core/errors.js'
import { isPlainObject, shown } from '../difference.js'
import { stepTo } from '../zod-def.js'
import { hasNoForm, mostLevels } from './json-form.js'

/** Says which part of a value has no JSON form and what would become of it. For values that `jsonForm` has refused. */
export function whyFormless(value: unknown, bigints: boolean, code: 'VALUE_INVALID' | 'STATE_INVALID'): MillraceError {
  let why: string | undefined
  try {
    why = firstFormless(value, '', [], bigints)
  } catch (cause) {
    why = `it cannot be read (${reasonOf(cause)})`
  }
  return new MillraceError(code, why ?? 'it has no JSON form')
}

function firstFormless(value: unknown, path: string, above: readonly object[], bigints: boolean): string | undefined {
  const name = path === '' ? 'it' : path.replace(/^\./, '')
  const inArray = path.endsWith(']') && Array.isArray(above.at(-1))
  const becomes = inArray || path === '' ? 'would come back as null' : 'would be lost'
  switch (typeof value) {
    case 'undefined':
      return inArray || path === '' ? `${name} is undefined and would come back as null` : undefined
    case 'number':
      return Number.isFinite(value) ? undefined : `${name} is ${value} and would come back as null`
    case 'bigint':
      return bigints
        ? undefined
        : `${name} is a bigint (${value}n), which JSON has no form for: use json(schema, { integers: 'bigint' }), or text`
    case 'function':
    case 'symbol':
      return `${name} is ${shown(value)} and ${becomes}`
    case 'object':
      return value === null ? undefined : ofObject(value, name, path, above, bigints)
    default:
      return undefined
  }
}

function ofObject(
  value: object,
  name: string,
  path: string,
  above: readonly object[],
  bigints: boolean,
): string | undefined {
  if (above.includes(value)) return `${name} contains itself`
  if (above.length === mostLevels) return `it is nested too deeply, over more than ${mostLevels} levels`
  if (hasNoForm(value)) return `${name} is ${shown(value)}, and would come back as something else`
  const within = [...above, value]
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) {
      const why = firstFormless(value[i], `${path}[${i}]`, within, bigints)
      if (why !== undefined) return why
    }
    return undefined
  }
  const { toJSON } = value as { readonly toJSON?: unknown }
  if (!isPlainObject(value) && typeof toJSON === 'function')
    return firstFormless(toJSON.call(value, ''), path, within, bigints)
  for (const [field, each] of Object.entries(value)) {
    const why = firstFormless(each, path + stepTo(field), within, bigints)
    if (why !== undefined) return why
  }
  return undefined
}
