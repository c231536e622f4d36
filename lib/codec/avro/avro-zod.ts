import { globalRegistry, type core } from 'zod'
import { MillraceError } from '../../core/errors.js'
import { branches, noForm, type Form, type Named, type RecordForm, type Slot } from './avro-form.js'
import {
  advice,
  aliasesOf,
  defOf,
  docOf,
  formatsOf,
  literalForms,
  numberKind,
  passes,
  tagOf,
  typeOf,
  type Def,
} from './avro-zod-facts.js'

/** Where a schema stands, and what a type defined there is called unless it has an id. */
interface Place {
  readonly path: string
  readonly name: string
  /** Lazy schemas that are being looked into, since the last record. */
  readonly open: readonly core.$ZodType[]
}

/** What a schema allows at its place. */
type Allowed = Pick<Slot, 'forms' | 'nullable' | 'optional'>

/** Reads a zod schema. Throws `DEFINITION_INVALID` naming the place that has no Avro form. */
export function formOf(root: core.$ZodType, given?: string): Slot {
  const records = new Map<core.$ZodType, RecordForm>()
  if ((root as Partial<core.$ZodType> | undefined)?._zod === undefined)
    throw new MillraceError('DEFINITION_INVALID', 'avro: give a schema of zod 4, from which the Avro schema is made')
  const rootName = given ?? globalRegistry.get(root)?.id ?? 'Value'
  return slotAt(root, { path: rootName, name: rootName, open: [] })

  function slotAt(outer: core.$ZodType, place: Place): Slot {
    let [inner, def] = [outer, defOf(outer)]
    let [nullable, optional, required] = [false, false, false]
    let fallback: Slot['fallback']
    while ('innerType' in def && def.type !== 'promise' && def.type !== 'success') {
      const wrapper = def
      if (wrapper.type === 'nonoptional') required = true
      if (wrapper.type === 'optional') optional = true
      if (wrapper.type === 'nullable') nullable = true
      if (wrapper.type === 'default' || wrapper.type === 'prefault') fallback ??= () => wrapper.defaultValue
      inner = wrapper.innerType
      def = defOf(inner)
    }
    const allowed = allowedAt(inner, def, place)
    // What is told about a schema with an id is told about the type, wherever it is used.
    const tellers = [outer, inner].filter((schema) => schema !== inner || globalRegistry.get(inner)?.id === undefined)
    return {
      path: place.path,
      forms: branches(allowed.forms),
      nullable: nullable || allowed.nullable,
      optional: (optional || allowed.optional) && !required,
      fallback,
      doc: tellers.map(docOf).find((doc) => doc !== undefined),
      aliases: tellers.map(aliasesOf).find(({ length }) => length > 0) ?? [],
    }
  }

  function allowedAt(schema: core.$ZodType, def: Def, place: Place): Allowed {
    switch (def.type) {
      case 'null':
        return { forms: [], nullable: true, optional: false }
      case 'undefined':
      case 'void':
        return { forms: [], nullable: false, optional: true }
      case 'enum':
      case 'literal': {
        const values = [...(schema._zod.values ?? [])]
        const forms = literalForms(values, named(schema, place, given))
        return { forms, nullable: values.includes(null), optional: values.includes(undefined) }
      }
      case 'lazy':
        if (place.open.includes(schema))
          throw noForm(place, 'a schema that contains itself with no object in between', 'put an object in between')
        // Not the getter, which may make another schema each time.
        return slotAt((schema as core.$ZodLazy)._zod.innerType, { ...place, open: [...place.open, schema] })
      case 'union': {
        const slots = def.options.map((option, index) => slotAt(option, optionPlace(def, option, index, place)))
        const any = (fact: 'nullable' | 'optional'): boolean => slots.some((slot) => slot[fact])
        return { forms: slots.flatMap(({ forms }) => forms), nullable: any('nullable'), optional: any('optional') }
      }
      default:
        return { forms: [formAt(schema, def, place)], nullable: false, optional: false }
    }
  }

  function formAt(schema: core.$ZodType, def: Def, place: Place): Form {
    const { path, name } = place
    switch (def.type) {
      case 'string':
        return { kind: formatsOf(def).includes('uuid') ? 'uuid' : 'string' }
      case 'template_literal':
        return { kind: 'string' }
      case 'number':
        return { kind: numberKind(formatsOf(def)) }
      case 'boolean':
      case 'bigint':
      case 'date':
        return { kind: def.type }
      case 'array':
        return { kind: 'array', path, held: slotAt(def.element, { ...place, path: `${path}[]`, name: `${name}Item` }) }
      case 'record':
        return { kind: 'map', path, held: slotAt(def.valueType, { ...place, path: `${path}{}`, name: `${name}Value` }) }
      case 'object':
        return records.get(schema) ?? recordAt(schema, def, place)
      case 'custom': {
        const Class = schema._zod.bag['Class']
        if (Class === Uint8Array) return { kind: 'bytes' }
        return Class === Buffer ? { kind: 'buffer' } : { kind: 'opaque', path, type: 'custom' }
      }
      case 'any':
      case 'unknown':
        return { kind: 'opaque', path, type: def.type }
      default:
        throw noForm(
          place,
          `zod '${typeOf(def)}'`,
          advice[typeOf(def)] ?? 'use one of the types listed in docs/codecs.md',
        )
    }
  }

  function recordAt(schema: core.$ZodType, def: core.$ZodObjectDef, place: Place): RecordForm {
    if (def.catchall !== undefined && def.catchall._zod.def.type !== 'never')
      throw noForm(
        place,
        'an object with fields it does not name',
        'name them, or hold them in a field with z.record()',
      )
    const fields = new Map<string, Slot>()
    const tags = new Map<string, readonly string[]>()
    const record = { kind: 'record' as const, ...named(schema, place, given), fields, tags, passes: passes(schema) }
    // Known before its fields are read, since it may hold itself.
    records.set(schema, record)
    for (const [key, field] of Object.entries(def.shape)) {
      if (key === '__proto__') throw noForm(place, "a field named '__proto__'", 'give it another name')
      const name = place.name + capitalized(key)
      const slot = slotAt(field, { path: `${place.path}.${key}`, name, open: [] })
      fields.set(key, slot)
      const [form] = slot.forms
      if (form?.kind === 'enum' && isPlain(slot)) tags.set(key, form.symbols)
    }
    return record
  }
}

const isPlain = ({ forms, nullable, optional, fallback }: Slot): boolean =>
  forms.length === 1 && !nullable && !optional && fallback === undefined

/** Branches that are records need names of their own: by the value that tells them apart, else by number. */
function optionPlace(union: core.$ZodUnionDef, option: core.$ZodType, index: number, place: Place): Place {
  if (union.options.filter((other) => defOf(other).type === 'object').length < 2) return place
  return { ...place, name: place.name + capitalized(tagOf(union, option) ?? String(index + 1)) }
}

/** The name given to the whole wins over the id of a schema, which wins over a name made from the place. */
function named(schema: core.$ZodType, { path, name }: Place, given: string | undefined): Named {
  const id = path === given ? undefined : globalRegistry.get(schema)?.id
  return { name: id ?? name, path, doc: docOf(schema), aliases: aliasesOf(schema) }
}

const capitalized = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1)
