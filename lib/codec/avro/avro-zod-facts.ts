import { globalRegistry, type core } from 'zod'
import type { EnumForm, Form, Named, NumberKind } from './avro-form.js'

/** What a zod schema is made of. Source: zod's guide for library authors; `_zod.def` is stable within zod 4. */
export type Def = core.$ZodTypes['_zod']['def']

export const defOf = (schema: core.$ZodType): Def => (schema as core.$ZodTypes)._zod.def

/** A pipe is a transform, a codec, or two schemas one after the other. */
export function typeOf(def: Def): string {
  if (def.type !== 'pipe') return def.type
  const types = [def.in, def.out].map((side) => side._zod.def.type)
  if (types.includes('transform')) return 'transform'
  return 'transform' in def && def.transform !== undefined ? 'codec' : 'pipe'
}

/** What to do about zod types without an Avro form. */
export const advice: Readonly<Record<string, string>> = {
  transform: 'describe the value as it is stored, and transform it in a step such as map()',
  codec: 'describe the value as it is stored, and transform it in a step such as map()',
  pipe: 'describe the value as it is stored with a single schema',
  intersection: 'make one object of both with A.extend(B.shape)',
  set: 'use z.array()',
  tuple: 'use z.object() with a name for each place',
  map: 'use z.record() with text keys, or an array of objects',
}

export function formatsOf(def: {
  readonly format?: string
  readonly checks?: readonly core.$ZodCheck<never>[]
}): string[] {
  const checks = (def.checks ?? []).map(({ _zod }) => (_zod.def as { readonly format?: string }).format)
  return [def.format, ...checks].filter((format) => format !== undefined)
}

export function numberKind(formats: readonly string[]): NumberKind {
  if (formats.includes('int32')) return 'int'
  if (formats.includes('safeint') || formats.includes('uint32')) return 'long'
  return formats.includes('float32') ? 'float' : 'double'
}

/** Strings are the symbols of an enum; other literals are values of their type. */
export function literalForms(values: readonly unknown[], name: Named): readonly Form[] {
  const symbols = values.filter((value) => typeof value === 'string')
  const numbers = values.filter((value) => typeof value === 'number')
  const forms: (Form | false)[] = [
    symbols.length > 0 && ({ kind: 'enum', ...name, symbols } satisfies EnumForm),
    numbers.length > 0 && { kind: numbers.every(Number.isSafeInteger) ? 'long' : 'double' },
    values.some((value) => typeof value === 'boolean') && { kind: 'boolean' },
    values.some((value) => typeof value === 'bigint') && { kind: 'bigint' },
  ]
  return forms.filter((form) => form !== false)
}

/** Whether a schema lets a value through, when asked synchronously. */
export function passes(schema: core.$ZodType): (value: unknown) => boolean {
  return (value) => {
    const verdict = schema['~standard'].validate(value)
    return !(verdict instanceof Promise) && verdict.issues === undefined
  }
}

/** What a branch of a discriminated union is told apart by. */
export function tagOf(union: core.$ZodUnionDef, option: core.$ZodType): string | undefined {
  const { discriminator } = union as Partial<core.$ZodDiscriminatedUnionDef>
  const [tag] = (discriminator === undefined ? undefined : option._zod.propValues?.[discriminator]) ?? []
  return typeof tag === 'string' ? tag : undefined
}

export const docOf = (schema: core.$ZodType): string | undefined => globalRegistry.get(schema)?.description

export function aliasesOf(schema: core.$ZodType): readonly string[] {
  const aliases = globalRegistry.get(schema)?.['aliases']
  return Array.isArray(aliases) ? aliases.map(String) : []
}
