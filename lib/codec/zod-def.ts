import type { Schema } from './schema.js'

/**
 * A schema of zod 4, of whatever copy and version: zod itself is not imported, and no class of it is asked for. Source: zod's
 * guide for library authors; `_zod.def` is stable within zod 4.
 */
export interface ZodSchema {
  readonly _zod: {
    readonly def: ZodDef
    readonly bag?: { readonly Class?: unknown }
    /** Of lazy schemas: what they stand for; the getter in `def` may make another each time. */
    readonly innerType?: ZodSchema
    readonly run: (payload: ZodPayload, context: ZodContext) => ZodPayload | Promise<ZodPayload>
  }
}

export interface ZodPayload {
  value: unknown
  issues: readonly unknown[]
}

export interface ZodContext {
  readonly async: boolean
  readonly direction?: 'forward' | 'backward'
}

/** What types of schemas say of themselves, each some of it. */
export interface ZodDef {
  readonly type: string
  readonly coerce?: boolean
  readonly innerType?: ZodSchema
  readonly element?: ZodSchema
  readonly shape?: Readonly<Record<string, ZodSchema>>
  readonly catchall?: ZodSchema
  readonly items?: readonly ZodSchema[]
  readonly rest?: ZodSchema | null
  readonly keyType?: ZodSchema
  readonly valueType?: ZodSchema
  readonly options?: readonly ZodSchema[]
  readonly left?: ZodSchema
  readonly right?: ZodSchema
  readonly in?: ZodSchema
  readonly out?: ZodSchema
  readonly transform?: unknown
  readonly reverseTransform?: unknown
  readonly values?: readonly unknown[]
}

/** The same schema when it is one of zod 4. */
export function asZod(schema: Schema): ZodSchema | undefined {
  const { _zod } = schema as Partial<ZodSchema>
  return typeof _zod?.def?.type === 'string' ? (schema as unknown as ZodSchema) : undefined
}

/** A schema within another: `step` leads from the value of the one to that of the other, and is empty where they are the same. */
export interface ZodPart {
  readonly schema: ZodSchema
  readonly step: string
  /** It stands in a field of an object, which may be left out. */
  readonly isField: boolean
}

/** The schemas within one. Those of pipes, and of what holds no JSON anyway, are left out. */
export function partsOf({ _zod }: ZodSchema): readonly ZodPart[] {
  const { def } = _zod
  const at =
    (step: string, isField = false) =>
    (schema: ZodSchema) => ({ schema, step, isField })
  const some = (schema: ZodSchema | null | undefined): readonly ZodSchema[] => (schema ? [schema] : [])
  switch (def.type) {
    case 'object':
      return [
        ...Object.entries(def.shape ?? {}).map(([name, field]) => at(stepTo(name), true)(field)),
        ...some(def.catchall).map(at('{}', true)),
      ]
    case 'array':
      return some(def.element).map(at('[]'))
    case 'tuple':
      return [...(def.items ?? []).map((item, i) => at(`[${i}]`)(item)), ...some(def.rest).map(at('[]'))]
    case 'record':
      return some(def.valueType).map(at('{}'))
    case 'union':
      return (def.options ?? []).map(at(''))
    case 'intersection':
      return [...some(def.left), ...some(def.right)].map(at(''))
    case 'lazy':
      return some(_zod.innerType).map(at(''))
    case 'promise':
    case 'success':
      return []
    default:
      return some(def.innerType).map(at(''))
  }
}

/** How a path goes on to a member: `.name`, or `["a b"]` where it is no name. */
export function stepTo(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`
}
