import { types } from 'node:util'
import { MillraceError } from '../../core/errors.js'

/**
 * What of a schema matters to Avro: between zod (`avro-zod.ts`) on one side, and Avro schemas (`avro-schema.ts`) and
 * values (`avro-values.ts`) on the other.
 */
export type Form = SimpleForm | HolderForm | EnumForm | RecordForm | OpaqueForm

export interface SimpleForm {
  /** `buffer`: bytes that are a Buffer when read. */
  readonly kind: 'boolean' | 'string' | 'uuid' | NumberKind | 'bigint' | 'date' | 'bytes' | 'buffer'
}
/** Numbers by the Avro type that holds them. */
export type NumberKind = 'int' | 'long' | 'float' | 'double'

export interface HolderForm {
  readonly kind: 'array' | 'map'
  readonly path: string
  readonly held: Slot
}
export interface EnumForm extends Named {
  readonly kind: 'enum'
  readonly symbols: readonly string[]
}
export interface RecordForm extends Named {
  readonly kind: 'record'
  readonly fields: ReadonlyMap<string, Slot>
  /** The fields that are one of a few texts each: the quickest way to see that a value is of another record. */
  readonly tags: ReadonlyMap<string, readonly unknown[]>
  /** Whether zod lets a value through. */
  readonly passes: (value: unknown) => boolean
}
/** What zod says nothing about: usable only where the Avro schema is given. */
export interface OpaqueForm {
  readonly kind: 'opaque'
  readonly path: string
  /** As zod calls it. */
  readonly type: string
}
/** What Avro keeps under a name. */
export interface Named {
  readonly name: string
  /** For messages: `Order.items[].price`. */
  readonly path: string
  readonly doc: string | undefined
  readonly aliases: readonly string[]
}

/** A place for a value: the root, a field, an item of an array, a value of a map. */
export interface Slot {
  readonly path: string
  /** One, or the branches of a union; none where only null or undefined fits. */
  readonly forms: readonly Form[]
  /** Null is a value. */
  readonly nullable: boolean
  /** Undefined is a value; Avro has null for it. */
  readonly optional: boolean
  /** What zod puts in for undefined. */
  readonly fallback: (() => unknown) | undefined
  readonly doc: string | undefined
  readonly aliases: readonly string[]
}

/**
 * The branches of a union as Avro can have them: what is the same type to Avro is one branch. Literals and enums become
 * one enum, and strings take them in.
 */
export function branches(forms: readonly Form[]): readonly Form[] {
  const text = forms.find(({ kind }) => kind === 'string') ?? forms.find(({ kind }) => kind === 'uuid')
  const symbols = forms.flatMap((form) => (form.kind === 'enum' ? form.symbols : []))
  const kept = new Map<unknown, Form | undefined>()
  for (const form of forms) {
    if (form.kind === 'string' || form.kind === 'uuid') kept.set('text', text)
    else if (form.kind !== 'enum') kept.set('path' in form ? form : form.kind, form)
    else if (text === undefined && !kept.has('enum')) kept.set('enum', { ...form, symbols: [...new Set(symbols)] })
  }
  return [...kept.values()].filter((form) => form !== undefined)
}

/** Whether a value could be of this form, as far as a glance tells. */
export function mayBe(form: Form, value: unknown): boolean {
  switch (form.kind) {
    case 'boolean':
      return typeof value === 'boolean'
    case 'string':
    case 'uuid':
      return typeof value === 'string'
    case 'enum':
      return form.symbols.includes(value as string)
    case 'int':
      return value === ((value as number) | 0)
    case 'long':
      return Number.isSafeInteger(value)
    case 'float':
    case 'double':
      return typeof value === 'number'
    case 'bigint':
      return typeof value === 'bigint'
    case 'date':
      return types.isDate(value)
    case 'bytes':
    case 'buffer':
      return types.isUint8Array(value)
    case 'array':
      return Array.isArray(value)
    case 'map':
      return isObject(value)
    case 'record':
      return isObject(value) && [...form.tags].every(([name, symbols]) => symbols.includes(value[name]))
    case 'opaque':
      return true
  }
}

/** An object of fields, and not one of those that stand for a single value. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  return !(types.isDate(value) || types.isUint8Array(value))
}

/** What has no place in Avro, where, and what to do. */
export function noForm(place: { readonly path: string }, what: string, todo: string): MillraceError {
  return new MillraceError('DEFINITION_INVALID', `${place.path}: ${what} has no Avro form; ${todo}`)
}
