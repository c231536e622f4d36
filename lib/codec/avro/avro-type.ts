import avsc, { type Type } from 'avsc'
import { MillraceError, reasonOf } from '../../core/errors.js'
import { exactLong } from './avro-long.js'
import type { AvroSchema } from './avro-schema.js'

export type AvroType = Type
export type Resolver = ReturnType<Type['createResolver']>

/**
 * The avsc type of a schema. Where avsc would decide by the case, or lose something without a word, it is told:
 * - a union of one type and null has plain values; those of all other unions name their branch;
 * - longs are exact (`exactLong`): numbers, and bigints where a number would be rounded;
 * - what is resolved from another schema is never rounded (`Exact`), nor taken in another unit of time (`Time`).
 *
 * `named`: schemas that define names which it uses, each after those that it uses itself.
 * Throws `DEFINITION_INVALID` when it is not an Avro schema.
 */
export function avroType(schema: AvroSchema, named: readonly AvroSchema[] = []): AvroType {
  // A logical type asks for the type beneath it with the same schema, which must not be wrapped again.
  const wrapping = new Set<unknown>()
  const typeHook = (part: unknown, options: object): Type | undefined => {
    if (Array.isArray(part)) return new (isNullable(part) ? UnwrappedUnionType : WrappedUnionType)(part, options)
    const definition = (typeof part === 'string' ? { type: part } : part) as Definition
    const Logical = wrapping.has(definition) ? undefined : logicalTypeOf(definition)
    if (Logical === undefined) return definition.type === 'long' ? exactLong : undefined
    wrapping.add(definition)
    const type = new Logical(definition as never, options as never)
    wrapping.delete(definition)
    return type
  }
  try {
    const registry = {}
    const [type] = [...named, schema]
      .map((each) => avsc.Type.forSchema(each as never, { typeHook: typeHook as never, registry }))
      .slice(-1)
    return type as Type
  } catch (cause) {
    throw new MillraceError('DEFINITION_INVALID', `not an Avro schema that can be used: ${reasonOf(cause)}`, { cause })
  }
}

/** Reads what `writer` wrote as `reader`. Throws `DEFINITION_INVALID` when Avro has no way from one to the other. */
export function resolverOf(reader: AvroType, writer: AvroType): Resolver {
  try {
    // Names match without their namespaces, as the specification has it.
    return reader.createResolver(writer, { ignoreNamespaces: true })
  } catch (cause) {
    const todo = 'Give added fields a default, and what was renamed an alias with .meta({ aliases: [old name] })'
    throw new MillraceError(
      'DEFINITION_INVALID',
      `what ${nameOf(writer)} wrote cannot be read as ${nameOf(reader)}: ${reasonOf(cause)}. ${todo}`,
      { cause },
    )
  }
}

/** What a type is called in messages. */
export function nameOf(type: AvroType): string {
  return type.branchName ?? 'union'
}

interface Definition {
  readonly type: unknown
  readonly logicalType?: unknown
}

const { UnwrappedUnionType, WrappedUnionType } = avsc.types

function isNullable(union: readonly unknown[]): boolean {
  return union.length === 2 && union.some((branch) => branch === 'null')
}

function logicalTypeOf({ type, logicalType }: Definition): (new (schema: never, options: never) => Type) | undefined {
  if (type === 'double' || type === 'float') return Exact as never
  return typeof logicalType === 'string' && /^(local-)?time/.test(logicalType) ? (Time as never) : undefined
}

/** A type whose values are those of the type beneath it. */
class Same extends avsc.types.LogicalType {
  protected override _fromValue(value: unknown): unknown {
    return value
  }
  protected override _toValue(value: unknown): unknown {
    return value
  }
}

/** Floats and doubles. avsc would round a long that is promoted to them. */
class Exact extends Same {
  protected override _resolve(writer: Type): ((value: number | bigint) => number) | undefined {
    const float = this.underlyingType.typeName === 'float'
    const source = concrete(writer).typeName
    if (source === 'float' || (source === 'double' && !float)) return Number
    if (source !== 'int' && !isLong(source)) return undefined
    return (value) => {
      const number = Number(value)
      if (float ? Math.fround(number) === number : Number.isSafeInteger(number)) return number
      throw new Error(`the ${source} ${value} cannot be a ${float ? 'float' : 'double'} without being rounded`)
    }
  }
}

/** Times and timestamps. Avro itself takes microseconds for milliseconds when schemas differ. */
class Time extends Same {
  protected override _resolve(writer: Type): ((value: unknown) => unknown) | undefined {
    const [source, target] = [concrete(writer).typeName, this.underlyingType.typeName]
    if (writer instanceof Time && writer.typeName !== this.typeName) return undefined
    return source === 'int' || (isLong(source) && isLong(target)) ? (value) => value : undefined
  }
}

/** The type beneath a logical one. */
export function concrete(type: Type): Type {
  return type instanceof avsc.types.LogicalType ? type.underlyingType : type
}

const isLong = (typeName: string): boolean => typeName === 'long' || typeName === 'abstract:long'
