import { MillraceError } from '../../core/errors.js'
import { checkOptions, given, list, object, oneOf, required, shown, type Rules } from '../../core/options.js'
import type { AvroSchema } from './avro-schema.js'
import { avroType, type AvroType } from './avro-type.js'

/** What stands before each value and says which schema it was written with. */
export type AvroHeader = SingleObjectHeader | SchemaIdHeader

/**
 * Avro's own header: the bytes `c3 01` and the fingerprint of the schema, ten bytes in all. It needs no registry.
 * Source: Avro 1.12 specification, Single-object encoding.
 */
export interface SingleObjectHeader {
  readonly kind: 'single-object'
  /** Other schemas that values which are read may have been written with. @default none */
  readonly writers?: readonly AvroSchema[]
}

/** The header of schema registries: a zero byte and the id of the schema, five bytes in all (Confluent's wire format). */
export interface SchemaIdHeader {
  readonly kind: 'schema-id'
  /** The id under which the registry has the schema that this codec writes. */
  readonly id: number
  /** By their ids, other schemas that values which are read may have been written with. @default none */
  readonly writers?: Readonly<Record<number, AvroSchema>>
}

const kind = required(oneOf('single-object', 'schema-id'))
const singleObjectRules: Rules<SingleObjectHeader> = { kind, writers: list('a list of Avro schemas') }
const schemaIdRules: Rules<SchemaIdHeader> = {
  kind,
  // Looked at below, where it is said whose id it is.
  id: given('the id that the schema has, a whole number'),
  writers: object('an object that has Avro schemas by their ids'),
}

/** The types that values may be written with, by the hex of the header that says so. */
export interface Framing {
  /** Before what this codec writes. */
  readonly header: Buffer
  readonly writers: ReadonlyMap<string, AvroType>
  /** What to say about a header that is not among them. */
  readonly unknown: (hex: string) => string
}

/** Throws `DEFINITION_INVALID` when an id or a schema cannot be used. */
export function framingOf(header: AvroHeader, own: AvroType): Framing {
  const add = 'Add the schema it was written with to the `writers` of the header, or to where the schemas come from'
  checkOptions<AvroHeader>(
    'avro: header',
    header,
    header.kind === 'schema-id' ? schemaIdRules : (singleObjectRules as Rules<AvroHeader>),
  )
  if (header.kind === 'single-object') {
    // Its own type last, so that it is the one that counts when another schema is equal to it.
    const types = [...(header.writers ?? []).map((writer) => avroType(writer)), own]
    return {
      header: singleObject(own),
      writers: new Map(types.map((type) => [singleObject(type).toString('hex'), type])),
      unknown: (hex) =>
        /^c301.{16}$/.test(hex)
          ? `its schema is not known, fingerprint ${hex.slice(4)}. ${add}`
          : 'it has no such header',
    }
  }
  const others = Object.entries(header.writers ?? {}).map(
    ([id, schema]) => [schemaId(Number(id)).toString('hex'), avroType(schema)] as const,
  )
  return {
    header: schemaId(header.id),
    writers: new Map([...others, [schemaId(header.id).toString('hex'), own]]),
    unknown: (hex) =>
      /^00.{8}$/.test(hex) ? `its schema ${parseInt(hex, 16)} is not known. ${add}` : 'it has no such header',
  }
}

function schemaId(id: number): Buffer {
  if (!Number.isInteger(id) || id < 0 || id > 0x7fffffff)
    throw new MillraceError(
      'DEFINITION_INVALID',
      `${typeof id === 'number' ? `'${id}'` : shown(id)} is not the id of a schema: it is a whole number of 32 bits`,
    )
  const bytes = Buffer.alloc(5)
  bytes.writeInt32BE(id, 1)
  return bytes
}

function singleObject(type: AvroType): Buffer {
  const bytes = Buffer.from('c3010000000000000000', 'hex')
  // What avsc gives without further options is the parsing canonical form.
  bytes.writeBigUInt64LE(fingerprint(Buffer.from(JSON.stringify(type.schema()))), 2)
  return bytes
}

const emptyFingerprint = 0xc15d213aa4d7a795n

/** CRC-64-AVRO. Source: Avro 1.12 specification, Schema Fingerprints. */
function fingerprint(bytes: Uint8Array): bigint {
  let crc = emptyFingerprint
  for (const byte of bytes) {
    crc ^= BigInt(byte)
    for (let bit = 0; bit < 8; bit++) crc = (crc >> 1n) ^ (crc & 1n ? emptyFingerprint : 0n)
  }
  return crc
}
