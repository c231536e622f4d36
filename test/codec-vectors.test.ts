import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { avroSchema, type AvroSchema } from '../lib/codec/avro/avro-schema.js'
import { avro } from '../lib/codec/avro/avro.js'
import type { Codec } from '../lib/codec/codec.js'
import { double, integer, long } from '../lib/codec/numbers.js'
import { avroCases, type AvroCase } from './avro-cases.js'

interface NumberVector {
  readonly type: 'integer' | 'long' | 'double'
  readonly value: string
  readonly hex: string
}

/** What Java makes of a value: see `vectors/java`. */
interface AvroVector {
  readonly name: string
  readonly schema: AvroSchema
  readonly hex: string
  /** Arrays and maps in blocks that have their size in front. */
  readonly blocksHex: string
  readonly singleObjectHex: string
  readonly reader?: AvroSchema
  /** What Java reads with it. */
  readonly read?: unknown
}

function vectorsOf<T>(file: string): readonly T[] {
  return JSON.parse(readFileSync(join(__dirname, 'vectors', file), 'utf8')) as T[]
}

const hexOf = (encoded: string | Uint8Array): string => Buffer.from(encoded as Uint8Array).toString('hex')

describe('numbers of the serializers of kafka-clients', () => {
  const codecs = { integer: integer(), long: long(), double: double() }
  const vectors = vectorsOf<NumberVector>('numbers.json')

  it.each(vectors.filter(({ type, value }) => type !== 'long' || Number.isSafeInteger(Number(value))))(
    'are read and written: $type $value',
    ({ type, value, hex }) => {
      expect(codecs[type].decode(Buffer.from(hex, 'hex'))).toBe(Number(value))
      expect(hexOf(codecs[type].encode(Number(value)))).toBe(hex)
    },
  )

  it.each(vectors.filter(({ type }) => type === 'long'))(
    'are read and written as bigints: $value',
    ({ value, hex }) => {
      const bigints = long({ as: 'bigint' })
      expect(bigints.decode(Buffer.from(hex, 'hex'))).toBe(BigInt(value))
      expect(hexOf(bigints.encode(BigInt(value)))).toBe(hex)
    },
  )
})

describe('Avro as Java writes it', () => {
  const vectors = vectorsOf<AvroVector>('avro.json').map((vector) => {
    const { name } = vector
    return { name, vector, ours: avroCases[name] as AvroCase }
  })
  const read = (codec: Codec<unknown>, hex: string): unknown => codec.decode(Buffer.from(hex, 'hex'))

  it('is there for every case', () => {
    expect(vectors.map(({ name }) => name)).toEqual(Object.keys(avroCases))
  })

  it.each(vectors)('has a schema that Java has read: $name', ({ vector, ours }) => {
    expect(avroSchema(ours.schema)).toEqual(vector.schema)
    expect(ours.reader && avroSchema(ours.reader)).toEqual(vector.reader)
  })

  it.each(vectors)('is written byte for byte: $name', ({ vector, ours }) => {
    expect(hexOf(avro(ours.schema).encode(ours.value))).toBe(vector.hex)
    expect(hexOf(avro(ours.schema, { header: { kind: 'single-object' } }).encode(ours.value))).toBe(
      vector.singleObjectHex,
    )
  })

  it.each(vectors)('is read: $name', ({ vector, ours }) => {
    expect(read(avro(ours.schema), vector.hex)).toStrictEqual(ours.value)
    expect(read(avro(ours.schema), vector.blocksHex)).toStrictEqual(ours.value)
    expect(read(avro(ours.schema, { header: { kind: 'single-object' } }), vector.singleObjectHex)).toStrictEqual(
      ours.value,
    )
  })

  it.each(vectors.filter(({ ours }) => ours.reader !== undefined))('is resolved: $name', ({ vector, ours }) => {
    const reader = ours.reader as NonNullable<AvroCase['reader']>
    const codec = avro(reader, { writer: vector.schema })
    const framed = avro(reader, { header: { kind: 'single-object', writers: [vector.schema] } })
    expect(read(codec, vector.hex)).toStrictEqual(ours.read)
    expect(read(codec, vector.blocksHex)).toStrictEqual(ours.read)
    expect(read(framed, vector.singleObjectHex)).toStrictEqual(ours.read)
    // What Java reads, in Avro's JSON: null for what is optional.
    expect(vector.read).toEqual({ ...(ours.read as object), email: null })
  })
})
