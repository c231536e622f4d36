import { MillraceError, reasonOf } from '../../core/errors.js'
import { shownValue } from './scalars.js'
import type { Column, Group, Part } from './columns.js'
import { invalid } from './connect-schema.js'

type Fields = Readonly<Record<string, unknown>>

/** JSON of an object, flat. Throws `VALUE_INVALID` naming the column. */
export function rowText(parts: readonly Part[], value: unknown): string {
  return `{${inside(parts, demandObject(value, 'the row')).slice(1)}}`
}

/** Each field with a comma before it. */
function inside(parts: readonly Part[], value: Fields): string {
  let text = ''
  for (const part of parts) {
    const held = value[part.key]
    text += part.kind === 'group' ? groupText(part, held) : columnText(part, held)
  }
  return text
}

function columnText(column: Column, value: unknown): string {
  const { name, label, form, nullable, optional } = column
  if (value === undefined && optional) return ''
  if (value === null && nullable) return `${label}null`
  if (value === undefined || value === null) throw invalid(`${name}: ${String(value)}, where a value is needed`)
  try {
    return label + form.write(value)
  } catch (cause) {
    throw inColumn(name, cause)
  }
}

function groupText({ key, parts, absent }: Group, value: unknown): string {
  if (absent !== 'never' && (value === null || value === undefined)) return ''
  return inside(parts, demandObject(value, key))
}

/** An object of what a flat one says, for the schema to check. Throws `VALUE_INVALID` naming the column. */
export function objectOf(parts: readonly Part[], payload: Fields): Fields {
  const made: Record<string, unknown> = {}
  for (const part of parts) {
    const held = part.kind === 'group' ? readGroup(part, payload) : readColumn(part, payload)
    if (held !== undefined) made[part.key] = held
  }
  return made
}

function readColumn({ name, form, nullable, optional }: Column, payload: Fields): unknown {
  const raw = payload[name]
  if (raw === undefined || raw === null) {
    if (nullable && (raw === null || !optional)) return null
    if (optional) return undefined
    throw invalid(`${name}: there is no value`)
  }
  try {
    return form.read(raw)
  } catch (cause) {
    throw inColumn(name, cause)
  }
}

function readGroup({ parts, absent }: Group, payload: Fields): Fields | null | undefined {
  return absent === 'never' || parts.some((part) => isThere(part, payload)) ? objectOf(parts, payload) : absent
}

function isThere(part: Part, payload: Fields): boolean {
  if (part.kind === 'group') return part.parts.some((inner) => isThere(inner, payload))
  return (payload[part.name] ?? null) !== null
}

function demandObject(value: unknown, what: string): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields
  throw invalid(`${what}: ${shownValue(value)} in the place of an object`)
}

function inColumn(name: string, cause: unknown): MillraceError {
  return new MillraceError('VALUE_INVALID', `${name}: ${reasonOf(cause)}`)
}
