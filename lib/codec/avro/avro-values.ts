import type { types } from 'avsc'
import { types as is } from 'node:util'
import { asBuffer } from '../../core/bytes.js'
import { branchFor, noPlace } from './avro-branches.js'
import { isObject, mayBe, type Form, type RecordForm, type Slot } from './avro-form.js'
import { concrete, type AvroType } from './avro-type.js'

/** Makes avsc's values of ours (`write`), and ours of avsc's (`read`). Undefined where they are the same. */
export interface Conversion {
  readonly write?: Convert | undefined
  readonly read?: Convert | undefined
}
/** A value of a wrong type is given back as it is, for avsc or the schema to refuse. */
type Convert = (value: unknown) => unknown

/**
 * Dates, bytes, bigints, undefined and what is in a union are other values in avsc than in zod.
 * Throws `DEFINITION_INVALID` naming the place where the Avro type cannot hold what zod allows.
 */
export function conversionOf(root: Slot, rootType: AvroType): Conversion {
  const records = new Map<RecordForm, Map<AvroType, Conversion>>()
  return slotConversion(root, rootType, false)

  function slotConversion(slot: Slot, type: AvroType, hasDefault: boolean): Conversion {
    if (slot.forms.some(({ kind }) => kind === 'opaque')) return {}
    const union = concrete(type) as types.WrappedUnionType
    const branches = union.typeName.startsWith('union:') ? union.types : [type]
    const withNull = branches.some(({ typeName }) => typeName === 'null')
    if (slot.nullable && !withNull) throw noPlace(slot, 'null', type)
    if (slot.optional && !withNull && !hasDefault) throw noPlace(slot, 'undefined', type)
    const pairs = slot.forms.map((form): Pair => {
      const branch = branchFor(form, branches)
      if (branch === undefined)
        throw noPlace(slot, form.kind === 'date' ? 'a date (timestamp-millis)' : form.kind, type)
      return { form, name: branch.branchName as string, ...formConversion(form, branch) }
    })
    return {
      write: slotWrite(pairs, union.typeName === 'union:wrapped', slot.optional && withNull && !hasDefault),
      read: slotRead(pairs, union.typeName === 'union:wrapped', slot.optional && !slot.nullable),
    }
  }

  function formConversion(form: Form, type: AvroType): Conversion {
    switch (form.kind) {
      case 'array': {
        const { write, read } = slotConversion(form.held, (concrete(type) as types.ArrayType).itemsType, false)
        return { write: write && eachItem(write), read: read && eachItem(read) }
      }
      case 'map': {
        const { write, read } = slotConversion(
          form.held,
          (concrete(type) as types.MapType).valuesType as AvroType,
          false,
        )
        return { write: write && eachValue(write), read: read && eachValue(read) }
      }
      case 'record':
        return records.get(form)?.get(type) ?? recordConversion(form, type as types.RecordType)
      case 'date':
        return {
          write: (value) => (is.isDate(value) ? value.getTime() : value),
          read: (value) => (typeof value === 'number' ? new Date(value) : value),
        }
      case 'bigint':
        return { read: (value) => (typeof value === 'number' ? BigInt(value) : value) }
      case 'buffer':
      case 'bytes':
        return {
          write: (value) => (is.isUint8Array(value) ? asBuffer(value) : value),
          read: form.kind === 'bytes' ? (value) => (is.isUint8Array(value) ? new Uint8Array(value) : value) : undefined,
        }
      default:
        return {}
    }
  }

  function recordConversion(form: RecordForm, type: types.RecordType): Conversion {
    // What a record that holds itself finds inside: whether anything is to be done is not known before the end.
    const known: { done?: Conversion } = {}
    const inside: Conversion = {
      write: (value) => (known.done?.write === undefined ? value : known.done.write(value)),
      read: (value) => (known.done?.read === undefined ? value : known.done.read(value)),
    }
    const ofForm = records.get(form) ?? new Map<AvroType, Conversion>()
    records.set(form, ofForm.set(type, inside))
    const fields = [...form.fields].map(([name, slot]): Field => {
      const field = type.fields.find((other) => other.name === name)
      if (field === undefined) throw noPlace(slot, `a field '${name}'`, type)
      return { name, ...slotConversion(slot, field.type, field.defaultValue() !== undefined) }
    })
    const done = { write: eachField(fields, 'write'), read: eachField(fields, 'read') }
    known.done = done
    ofForm.set(type, done)
    return done
  }
}

interface Field extends Conversion {
  readonly name: string
}
/** A form, and the Avro branch that holds it. */
interface Pair extends Conversion {
  readonly form: Form
  readonly name: string
}

function slotWrite(pairs: readonly Pair[], named: boolean, undefinedIsNull: boolean): Convert | undefined {
  if (!named && !undefinedIsNull && pairs.every(({ write }) => write === undefined)) return undefined
  return (value) => {
    if (value === undefined) return undefinedIsNull ? null : undefined
    if (value === null) return null
    const pair = pairs.length === 1 ? pairs[0] : pairOf(pairs, value)
    if (pair === undefined) return value
    const written = pair.write === undefined ? value : pair.write(value)
    return named ? { [pair.name]: written } : written
  }
}

/** The branch for a value: the only one that it may be of, else the first that zod lets it through. */
function pairOf(pairs: readonly Pair[], value: unknown): Pair | undefined {
  const possible = pairs.filter(({ form }) => mayBe(form, value))
  if (possible.length < 2) return possible[0]
  return possible.find(({ form }) => form.kind !== 'record' || form.passes(value)) ?? possible[0]
}

function slotRead(pairs: readonly Pair[], named: boolean, nullIsUndefined: boolean): Convert | undefined {
  const [first] = pairs
  if (!named && !nullIsUndefined) return first?.read
  const reads = new Map(pairs.toReversed().map(({ name, read }) => [name, read]))
  return (value) => {
    if (value === null) return nullIsUndefined ? undefined : null
    if (!named) return first?.read === undefined ? value : first.read(value)
    const [[name, held] = ['', value]] = Object.entries(value as object)
    const read = reads.get(name)
    return read === undefined ? held : read(held)
  }
}

/** Undefined fields are left out, as optional ones may be. */
function eachField(fields: readonly Field[], way: 'write' | 'read'): Convert | undefined {
  if (fields.every((field) => field[way] === undefined)) return undefined
  const steps = fields.map(({ name, [way]: convert }) => ({ name, convert }))
  return (value) => {
    if (!isObject(value)) return value
    const made: Record<string, unknown> = {}
    for (const { name, convert } of steps) {
      const field = convert === undefined ? value[name] : convert(value[name])
      if (field !== undefined) made[name] = field
    }
    return made
  }
}

function eachItem(convert: Convert): Convert {
  return (value) => (Array.isArray(value) ? value.map((item) => convert(item)) : value)
}

function eachValue(convert: Convert): Convert {
  return (value) =>
    isObject(value) ? Object.fromEntries(Object.entries(value).map(([key, held]) => [key, convert(held)])) : value
}
