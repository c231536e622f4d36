import type { core } from 'zod'
import { reasonOf } from '../../core/errors.js'
import { formatsOf, numberKind, typeOf, type Def } from '../avro/avro-zod-facts.js'
import { exactParse, mayHaveLargeIntegersText, mayOverflow } from '../json/exact-parse.js'
import { jsonSchema } from '../json/json-schema.js'
import { parse, plainJsonText } from '../json/json-text.js'
import { invalid, noForm, type ConnectSchema, type Form } from './connect-schema.js'
import { markedForm } from './marks.js'
import {
  bigints,
  booleans,
  bytesForm,
  demandString,
  doubles,
  floats,
  int32s,
  int64s,
  shownValue,
  strings,
  stringText,
} from './scalars.js'
import { dateTimestamps } from './times.js'
import type { Place } from './unwrap.js'

/** What to do about types of zod without a form. */
const wayBack = 'describe the value as it is written, or give it a way back with z.codec()'
const advice: Readonly<Record<string, string>> = {
  transform: wayBack,
  pipe: 'describe the value as it is written with a single schema',
  intersection: 'make one object of both with A.extend(B.shape)',
  set: 'use z.array()',
  map: 'use z.record() with text keys, or an array of objects',
}
const asJson = "let it be text that holds JSON, with .meta({ connect: 'json' })"

/** The form of a place that is one column. Throws `DEFINITION_INVALID` naming the place that has none. */
export function formOf(place: Place): Form {
  const { schema, def, path, mark } = place
  if (mark === 'json') return jsonForm(place)
  if (place.containsItself) throw noForm(path, 'a schema that contains itself', asJson)
  if (mark !== undefined) return markedForm(mark, schema, path)
  switch (def.type) {
    case 'string':
    case 'template_literal':
      return strings
    case 'number':
      return { int: int32s, long: int64s, float: floats, double: doubles }[numberKind(formatsOf(def))]
    case 'bigint':
      return bigints
    case 'boolean':
      return booleans
    case 'date':
      return dateTimestamps
    case 'enum':
    case 'literal':
      return literalForm([...(schema._zod.values ?? [])], path)
    case 'union':
      return unionForm(place)
    case 'array':
      return arrayForm(place)
    case 'record':
    case 'tuple':
      return jsonForm(place)
    case 'custom': {
      const Class = schema._zod.bag['Class']
      if (Class === Uint8Array) return bytesForm((bytes) => Uint8Array.from(bytes))
      if (Class === Buffer) return bytesForm((bytes) => bytes)
      throw noForm(path, "zod 'custom'", asJson)
    }
    default:
      throw noForm(path, `zod '${typeOf(def)}'`, advice[typeOf(def)] ?? asJson)
  }
}

function literalForm(all: readonly unknown[], path: string): Form {
  const values = all.filter((value) => value !== null && value !== undefined)
  const kinds = [...new Set(values.map((value) => typeof value))]
  const [kind] = kinds
  if (kinds.length === 1 && kind === 'string') return strings
  if (kinds.length === 1 && kind === 'boolean') return booleans
  if (kinds.length === 1 && kind === 'bigint') return bigints
  if (kinds.length === 1 && kind === 'number') return values.every(Number.isSafeInteger) ? int64s : doubles
  throw noForm(path, `literals of ${kinds.join(' and ') || 'nothing'}`, 'let them be of one type')
}

/** All branches must be the same to Connect. */
function unionForm({ def, path, inner }: Place): Form {
  const options = (def as core.$ZodUnionDef).options
    .map((option) => inner(option, path))
    .filter(({ def: { type } }) => type !== 'null' && type !== 'undefined')
  if (options.some((option) => option.def.type === 'object')) throw noForm(path, 'a union with objects', unionAdvice)
  const [first, ...others] = options.map(formOf)
  if (first !== undefined && others.every((other) => other === first)) return first
  throw noForm(path, 'a union of different types', unionAdvice)
}

const unionAdvice = `make a field of each, of which all but one are left out, or ${asJson}`

/** Of scalars; of anything else: text that holds JSON. */
function arrayForm(place: Place): Form {
  const { def, path, inner } = place
  const item = inner((def as core.$ZodArrayDef).element, `${path}[]`)
  if (item.mark === 'json' || !isScalar(item.def)) return jsonForm(place)
  if (item.optional || item.fallback !== undefined)
    throw noForm(item.path, 'an item that may be undefined', 'use z.nullable() or leave it out of the array')
  const held = formOf(item)
  const items: ConnectSchema = { ...held.type, optional: item.nullable }
  const each = (value: unknown): unknown[] => {
    if (Array.isArray(value)) return value as unknown[]
    throw invalid(`${shownValue(value)} is no array`)
  }
  const present = (value: unknown, at: number): unknown => {
    if (value !== null && value !== undefined) return value
    if (item.nullable && value === null) return null
    throw invalid(`[${at}] is ${String(value)}`)
  }
  return {
    type: { type: 'array', items },
    write: (value) =>
      `[${Array.from(each(value), (part, at) => (present(part, at) === null ? 'null' : held.write(part))).join(',')}]`,
    read: (raw) => each(raw).map((part, at) => (present(part, at) === null ? null : held.read(part))),
  }
}

const composed: ReadonlySet<string> = new Set(['object', 'array', 'record', 'tuple', 'intersection', 'any', 'unknown'])
const isScalar = (def: Def): boolean => !composed.has(def.type)

/** Text that holds JSON, whose value the schema of the whole checks. */
export function jsonForm({ schema, path, found }: Place): Form {
  const { way } = jsonSchema(schema, path, { bigints: false, writes: true, mayBeUndefined: true })
  if (way === 'codec') found.codec()
  if (way === 'one-way') throw noForm(path, 'what a transform gives', wayBack)
  return {
    type: { type: 'string' },
    write: (value) => stringText(plainJsonText(value)),
    read(raw) {
      const text = demandString(raw)
      const value = parse(text)
      if (!mayHaveLargeIntegersText(text) && !mayOverflow(text)) return value
      try {
        return exactParse(text, (literal) => {
          throw invalid(`${literal.slice(0, 40)} is not exact as a number`)
        })
      } catch (cause) {
        throw invalid(reasonOf(cause))
      }
    },
  }
}
