import type { core } from 'zod'
import { defOf, type Def } from '../avro/avro-zod-facts.js'
import { markOf, type ConnectMark } from './marks.js'

/** A place in a schema of zod, without what is wrapped around the type. */
export interface Place {
  readonly path: string
  readonly schema: core.$ZodType
  readonly def: Def
  readonly mark: ConnectMark | undefined
  readonly nullable: boolean
  /** Undefined is a value. */
  readonly optional: boolean
  /** What zod puts in for undefined. */
  readonly fallback: (() => unknown) | undefined
  /** It has a codec of zod: what is written is another value. */
  readonly hasCodec: boolean
  /** It is one of those that it stands in. */
  readonly containsItself: boolean
  readonly found: Found
  /** A place within this one. */
  readonly inner: (schema: core.$ZodType, path: string) => Place
}

export interface Found {
  codec(): void
}

/** `found`: told of what concerns the schema as a whole. Throws `DEFINITION_INVALID`. */
export function placeOf(outer: core.$ZodType, path: string, found: Found, open: readonly core.$ZodType[] = []): Place {
  let [schema, nullable, optional, required, hasCodec] = [outer, false, false, false, false]
  let fallback: Place['fallback']
  let mark: ConnectMark | undefined
  const into = (inner: core.$ZodType): void => void (schema = inner)
  for (;;) {
    const def = defOf(schema)
    mark ??= markOf(schema, path)
    if (def.type === 'lazy') {
      // Not the getter, which may make another schema each time.
      into((schema as core.$ZodLazy)._zod.innerType)
    } else if (def.type === 'pipe') {
      const { transform, reverseTransform } = def as { transform?: unknown; reverseTransform?: unknown }
      const isCodec = typeof transform === 'function' && typeof reverseTransform === 'function'
      if (!isCodec && [def.in, def.out].some((side) => defOf(side).type === 'transform')) break
      if (isCodec) {
        hasCodec = true
        found.codec()
      }
      into(def.in)
    } else if ('innerType' in def && def.type !== 'promise' && def.type !== 'success') {
      if (def.type === 'nonoptional') required = true
      if (def.type === 'optional') optional = true
      if (def.type === 'nullable') nullable = true
      if (def.type === 'default' || def.type === 'prefault') fallback ??= () => def.defaultValue
      into(def.innerType)
    } else break
  }
  const containsItself = open.includes(schema)
  const opened = [...open, schema]
  const def = defOf(schema)
  const values = schema._zod.values
  const options =
    def.type === 'union' && !containsItself ? def.options.map((option) => placeOf(option, path, found, opened)) : []
  return {
    path,
    schema,
    def,
    mark,
    nullable:
      nullable || def.type === 'null' || values?.has(null) === true || options.some((option) => option.nullable),
    optional:
      !required &&
      (optional ||
        values?.has(undefined) === true ||
        def.type === 'undefined' ||
        options.some((option) => option.optional)),
    fallback,
    hasCodec,
    containsItself,
    found,
    inner: (inner, at) => placeOf(inner, at, found, opened),
  }
}
