import type { core } from 'zod'
import { asBuffer } from '../../core/bytes.js'
import { MillraceError } from '../../core/errors.js'
import { anything, checkOptions, required, rule, type Rules } from '../../core/options.js'
import { avroCore, type AvroCore } from '../avro/avro-core.js'
import { namesOf, type AvroSchema } from '../avro/avro-schema.js'
import type { Codec, CodecPlace } from '../codec.js'
import { own } from '../guarded.js'
import type { OutputOf } from '../schema.js'
import { registryStructKeys } from '../keys.js'
import { isAnyText, keyTextOf } from './avro-keys.js'
import { RegistryClient, type Registry } from './registry.js'
import { SchemaIds } from './schema-ids.js'
import { subjectOf } from './subject.js'

export interface RegistryAvroOptions {
  /** Where the schemas are. */
  readonly registry: Registry
  /** Of the outermost type in the Avro schema. @default the `id` in the meta of the zod schema, or `Value` */
  readonly name?: string
  /** Of the types in the Avro schema, such as `com.acme`. @default none */
  readonly namespace?: string
  /** The Avro schema to write with. @default the one of `avroSchema(schema, name)` */
  readonly schema?: AvroSchema
}

const options: Rules<RegistryAvroOptions> = {
  registry: required(rule('a registry, made with registry({ url })', (value) => value instanceof RegistryClient)),
  name: anything,
  namespace: anything,
  schema: anything,
}

/** Codec of a topic's values or keys. */
export type RegistryAvro<V> = Codec<V> & Required<Pick<Codec<V>, 'of' | 'keyText'>>

/**
 * Avro with the id of its schema in front, as schema registries have it (a zero byte, four bytes of id): for the values of a topic, and for
 * its keys. The id of the schema that is written is known, or registered, when the app starts; a value that is read may have been written by
 * any schema that the registry has, and is resolved to this one. Throws what `avro` throws, and `OPTIONS_INVALID`.
 */
export function registryAvro<S extends core.$ZodType>(
  schema: S,
  given: RegistryAvroOptions,
): RegistryAvro<OutputOf<S>> {
  checkOptions('registryAvro', given, options)
  const [name, namespace] = namesOf(given.name, given.namespace)
  const values = avroCore(schema, name, namespace, given.schema)
  const client = given.registry as RegistryClient
  const made = new Map<string, RegistryAvro<OutputOf<S>>>()
  const of = (place: CodecPlace): RegistryAvro<OutputOf<S>> => {
    const id = `${place.part} ${place.topic}`
    const codec = made.get(id) ?? boundTo(place, values, client)
    made.set(id, codec)
    return codec
  }
  const placeless = (): never => {
    const what =
      'a codec of registryAvro(…) belongs to a topic, since its subject goes by that: give it to topic(name, codec), or as key'
    throw new MillraceError('DEFINITION_INVALID', `${what}; for state use avro(schema)`)
  }
  const unbound = { format, of, encode: placeless, decode: placeless, keyText: { text: placeless, key: placeless } }
  own(unbound)
  return unbound
}

const format = 'registry-avro'
const headerLength = 5

function boundTo<V>(place: CodecPlace, values: AvroCore<V>, client: RegistryClient): RegistryAvro<V> {
  const ids = new SchemaIds(place, subjectOf(place, values.type, client.options.subjects), values, client)

  function decodeRange(bytes: Buffer, start: number, end: number): V {
    return values.decode(ids.sourceAt(bytes, start, end), bytes, start + headerLength, end)
  }

  function encode(value: V): Uint8Array {
    const { header } = ids
    if (header === undefined) throw ids.notPrepared()
    return Buffer.concat([header, values.encode(value)])
  }

  const codec: RegistryAvro<V> = {
    format: place.part === 'value' || isAnyText(values.form) ? format : registryStructKeys,
    of: () => codec,
    encode,
    decode: (bytes: Uint8Array) => decodeRange(asBuffer(bytes), 0, bytes.length),
    decodeRange,
    awaited: ids,
    keyText: (place.part === 'key' ? keyTextOf(values.form) : noKey) as RegistryAvro<V>['keyText'],
  }
  own(codec)
  return codec
}

const noKey = Object.freeze({ text: String, key: (text: string) => text })
