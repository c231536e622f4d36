import type { core } from 'zod'
import { MillraceError } from '../../core/errors.js'
import { listed } from './avro-default.js'
import { noForm, type EnumForm, type Form, type RecordForm, type SimpleForm, type Slot } from './avro-form.js'
import { formOf } from './avro-zod.js'

/** An Avro schema as JSON has it: a name, a union, or a definition. Source: Avro 1.12 specification. */
export type AvroSchema = string | readonly AvroSchema[] | { readonly [attribute: string]: unknown }

/**
 * The Avro schema of the values a zod schema describes, which `avro(schema)` writes by. docs/codecs.md lists what has an
 * Avro form. `name` is that of the outermost type, with its namespace if it has one: `com.acme.Order`.
 * Throws `DEFINITION_INVALID` naming the place that has no Avro form.
 * @default name: the `id` in the meta of the schema, or `Value`
 */
export function avroSchema(schema: core.$ZodType, name?: string): AvroSchema {
  const [simple, namespace] = namesOf(name, undefined)
  return schemaOf(formOf(schema, simple), namespace)
}

/** A name and its namespace; that of a name with dots wins, as in Avro. */
export function namesOf(
  name: string | undefined,
  namespace = '',
): readonly [name: string | undefined, namespace: string] {
  const parts = name?.split('.') ?? []
  const simple = parts.pop()
  return [simple, parts.length > 0 ? parts.join('.') : namespace]
}

/** As `avroSchema`, of a schema that has been read. `namespace` may be empty. */
export function schemaOf(root: Slot, namespace: string): AvroSchema {
  const defined = new Map<string, EnumForm | RecordForm>()
  if (namespace !== '') namespace.split('.').forEach((part) => checkName(part, root, 'namespace'))
  return slotType(root, false)

  function slotType(slot: Slot, enclosed: boolean): AvroSchema {
    const { order } = listed(slot)
    const names = order.map((form) => (form === null ? 'null' : branchName(form)))
    const twice = names.find((branch, index) => names.indexOf(branch) !== index)
    if (twice !== undefined)
      throw noForm(slot, `a union with two branches that are ${twice} to Avro`, 'make one of them a field of an object')
    const types = order.map((form) => (form === null ? 'null' : formType(form, enclosed)))
    return types.length === 1 ? (types[0] as AvroSchema) : types
  }

  function formType(form: Form, enclosed: boolean): AvroSchema {
    switch (form.kind) {
      case 'array':
        return { type: 'array', items: slotType(form.held, enclosed) }
      case 'map':
        return { type: 'map', values: slotType(form.held, enclosed) }
      case 'enum':
        form.symbols.forEach((symbol) => checkName(symbol, form, 'enum symbol'))
        return defineOnce(form, enclosed, () => ({ symbols: form.symbols }))
      case 'record':
        return defineOnce(form, enclosed, () => ({ fields: [...form.fields].map(([name, slot]) => field(name, slot)) }))
      case 'opaque':
        throw noForm(form, `zod '${form.type}'`, 'give the Avro schema with the option `schema`')
      default:
        return simpleTypes[form.kind]
    }
  }

  function field(name: string, slot: Slot): AvroSchema {
    checkName(name, slot, 'field')
    const { json } = listed(slot)
    return {
      name,
      type: slotType(slot, true),
      ...(json !== undefined && { default: json }),
      ...told(slot),
    }
  }

  /** Avro defines a type where it first appears, and names it afterwards. */
  function defineOnce(form: EnumForm | RecordForm, enclosed: boolean, content: () => object): AvroSchema {
    const known = defined.get(form.name)
    if (known === undefined) {
      checkName(form.name, form, 'type')
      defined.set(form.name, form)
      const space = enclosed || namespace === '' ? {} : { namespace }
      return { type: form.kind, name: form.name, ...space, ...told(form), ...content() }
    }
    if (!isSame(known, form)) {
      const todo = `give one of them another name with .meta({ id: '…' })`
      throw new MillraceError('DEFINITION_INVALID', `${known.path} and ${form.path} are both '${form.name}'; ${todo}`)
    }
    return enclosed || namespace === '' ? form.name : `${namespace}.${form.name}`
  }
}

const simpleTypes: Readonly<Record<SimpleForm['kind'], AvroSchema>> = {
  boolean: 'boolean',
  string: 'string',
  uuid: { type: 'string', logicalType: 'uuid' },
  int: 'int',
  long: 'long',
  float: 'float',
  double: 'double',
  bigint: 'long',
  date: { type: 'long', logicalType: 'timestamp-millis' },
  bytes: 'bytes',
  buffer: 'bytes',
}

/** What tells the branches of an Avro union apart. */
function branchName(form: Form): string {
  if ('name' in form) return form.name
  if (form.kind === 'array' || form.kind === 'map' || form.kind === 'opaque') return form.kind
  const type = simpleTypes[form.kind]
  return typeof type === 'string' ? type : String((type as { readonly type: unknown }).type)
}

/** Enums are made anew wherever they are met; records are not. */
function isSame(one: EnumForm | RecordForm, other: EnumForm | RecordForm): boolean {
  if (!('symbols' in one && 'symbols' in other)) return one === other
  return one.symbols.join() === other.symbols.join()
}

function told({ doc, aliases }: Pick<Slot, 'doc' | 'aliases'>): object {
  return { ...(doc !== undefined && { doc }), ...(aliases.length > 0 && { aliases }) }
}

function checkName(name: string, at: { readonly path: string }, what: string): void {
  if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) return
  const todo = 'use letters, digits and _, or give the Avro schema with the option `schema`'
  throw new MillraceError('DEFINITION_INVALID', `${at.path}: '${name}' cannot be the name of an Avro ${what}; ${todo}`)
}
