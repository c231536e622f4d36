import type { core } from 'zod'
import { MillraceError } from '../../core/errors.js'
import { noForm, type ConnectSchema, type Form } from './connect-schema.js'
import { formOf, jsonForm } from './forms.js'
import { placeOf, type Place } from './unwrap.js'

/** How objects within the row are written. */
export interface Flattening {
  /** `flatten`: a column for each of their fields; `json`: text that holds JSON. */
  readonly nested: 'flatten' | 'json'
  /** Between the name of a field and that of a field within it. */
  readonly separator: string
}

/** A field of the row. */
export interface Column {
  readonly kind: 'column'
  /** In the object that it stands in. */
  readonly key: string
  readonly name: string
  /** What stands before its value in JSON, the comma included. */
  readonly label: string
  readonly form: Form
  readonly schema: ConnectSchema
  readonly nullable: boolean
  /** It may be left out. */
  readonly optional: boolean
}

/** An object whose fields are columns. */
export interface Group {
  readonly kind: 'group'
  readonly key: string
  readonly parts: readonly Part[]
  /** What stands for no object: null, undefined, or that there always is one. */
  readonly absent: null | undefined | 'never'
}

export type Part = Column | Group

export interface Row {
  readonly parts: readonly Part[]
  readonly columns: readonly Column[]
  /** What is written is what codecs of zod make of a value. */
  readonly hasCodec: boolean
}

/** The columns of an object in zod. Throws `DEFINITION_INVALID` naming the place that has no form. */
export function rowOf(schema: core.$ZodType, root: string, { nested, separator }: Flattening): Row {
  let hasCodec = false
  const place = placeOf(schema, root, { codec: () => void (hasCodec = true) })
  const columns: Column[] = []
  const paths = new Map<string, string>()
  if (place.def.type !== 'object')
    throw new MillraceError(
      'DEFINITION_INVALID',
      `${root}: a row is an object; give z.object() with a field for each column`,
    )
  if (place.nullable || place.optional)
    throw noForm(root, 'a row that may be left out', 'a deletion is a record without a value: publish or emit null')
  const parts = partsOf(place, '', false)
  if (columns.length === 0) throw noForm(root, 'an object without fields', 'name at least one')
  return { parts, columns, hasCodec }

  function partsOf({ def, path, inner }: Place, prefix: string, absent: boolean): readonly Part[] {
    const { catchall, shape } = def as core.$ZodObjectDef
    if (catchall !== undefined && catchall._zod.def.type !== 'never')
      throw noForm(path, 'an object with fields that it does not name', 'name them, or hold them in a z.record()')
    return Object.entries(shape).map(([key, field]): Part => {
      if (key === '__proto__') throw noForm(path, "a field named '__proto__'", 'give it another name')
      const at = inner(field, `${path}.${key}`)
      return at.def.type === 'object' && at.mark === undefined && nested === 'flatten'
        ? groupOf(at, key, prefix + key, absent)
        : columnOf(at, key, prefix + key, absent)
    })
  }

  function groupOf(at: Place, key: string, name: string, outerAbsent: boolean): Group {
    const mayBeAbsent = at.nullable || at.optional
    if (at.containsItself)
      throw noForm(
        at.path,
        'a schema that contains itself',
        "let it be text that holds JSON, with .meta({ connect: 'json' })",
      )
    const parts = partsOf(at, name + separator, outerAbsent || mayBeAbsent)
    if (mayBeAbsent && !parts.some(alwaysThere))
      throw noForm(
        at.path,
        'an object that may be left out and has nothing that is always there',
        "none and an empty one would be the same; make a field of it required, or let it be text that holds JSON, with .meta({ connect: 'json' })",
      )
    return { kind: 'group', key, parts, absent: at.nullable ? null : at.optional ? undefined : 'never' }
  }

  function columnOf(at: Place, key: string, name: string, absent: boolean): Column {
    const { path, nullable, optional } = at
    const other = paths.get(name)
    if (other !== undefined)
      throw new MillraceError(
        'DEFINITION_INVALID',
        `${other} and ${path} would both be the column '${name}'; rename one`,
      )
    if (name === '__proto__' || !name.isWellFormed() || name === '')
      throw noForm(path, `a column named ${JSON.stringify(name)}`, 'give it another name')
    paths.set(name, path)
    const form = at.def.type === 'object' ? jsonForm(at) : formOf(at)
    const json = nullable || absent ? undefined : defaultOf(at, form)
    const schema: ConnectSchema = {
      ...form.type,
      // A column that is filled in by a default is never null.
      optional: absent || nullable || (optional && at.fallback === undefined),
      ...(json !== undefined && { default: json }),
      field: name,
    }
    const column: Column = {
      kind: 'column',
      key,
      name,
      label: `,${JSON.stringify(name)}:`,
      form,
      schema,
      nullable,
      optional: optional || at.fallback !== undefined,
    }
    columns.push(column)
    return column
  }
}

const alwaysThere = (part: Part): boolean =>
  part.kind === 'column' ? !part.nullable && !part.optional : part.absent === 'never' && part.parts.some(alwaysThere)

/** A default that is made anew each time is none for a schema: it is asked for twice. */
function defaultOf({ fallback, hasCodec }: Place, form: Form): unknown {
  if (fallback === undefined || hasCodec || form.type.name?.endsWith('Timestamp') === true) return undefined
  try {
    const [first, second] = [form.write(fallback()), form.write(fallback())]
    const json: unknown = JSON.parse(first)
    return first === second && (typeof json !== 'number' || String(json) === first) ? json : undefined
  } catch {
    return undefined
  }
}
