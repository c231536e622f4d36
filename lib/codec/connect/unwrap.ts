import type { core } from 'zod'
import { defOf, type Def } from '../avro/avro-zod-facts.js'
import { noForm } from './connect-schema.js'
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
  const passed = new Set<core.$ZodType>()
  const into = (inner: core.$ZodType): void => {
    passed.add(schema)
    if (passed.has(inner)) throw noForm(path, 'a schema that contains itself with nothing in between', 'name its type')
    schema = inner
  }
  for (;;) {
    const def = defOf(schema)
    mark ??= markOf(schema, path)
    if (def.type === 'lazy') {
      // Not the getter, which may make another schema each time.
      into((schema as core.$ZodLazy)._zod.innerType)
    } else if (def.type === 'pipe') {
      const { transform, reverseTransform } = def as { transform?: unknown; reverseTransform?: unknown }
      const isCodec = typeof transform === 'function' && typeof reverseTransform === 'function'
      if (!isCodec && (defOf(def.in).type === 'transform' || changes(def.in, def.out))) break
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
      nullable ||
      isAnything.has(def.type) ||
      def.type === 'null' ||
      values?.has(null) === true ||
      options.some((option) => option.nullable),
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

const isAnything: ReadonlySet<string> = new Set(['any', 'unknown'])
const scalars: ReadonlySet<string> = new Set(['string', 'number', 'bigint', 'boolean', 'date'])

/** Whether what a second schema gives is of another type than what it is given: then neither says what is written. */
function changes(first: core.$ZodType, second: core.$ZodType): boolean {
  const [before, after] = [given(first), given(second)]
  return after === 'transform' || (before !== after && scalars.has(before) && scalars.has(after))
}

/** The type of the values that a schema gives, as far as it is one. */
function given(schema: core.$ZodType): string {
  let def = defOf(schema)
  for (;;) {
    if (def.type === 'pipe') def = defOf(def.out)
    else if ('innerType' in def) def = defOf(def.innerType as core.$ZodType)
    else return def.type
  }
}
