import { z } from 'zod'
import { anySample, seeded } from '../../../test/avro-samples.js'
import { MillraceError } from '../../core/errors.js'
import { avroSchema, type AvroSchema } from './avro-schema.js'
import { avro } from './avro.js'
import type { Codec } from '../codec.js'
import { storedCodec } from '../stored.js'

/** Each seed is a schema with a few values of it; a seed that fails can be run alone. */
const seeds = Array.from({ length: 80 }, (_, seed) => seed)
const valuesEach = 6

function sampleOf(seed: number): { schema: z.ZodType; values: unknown[] } {
  const { schema, value } = anySample(seeded(seed))
  return { schema: z.object({ it: schema }), values: Array.from({ length: valuesEach }, () => ({ it: value() })) }
}

const asJson = (schema: AvroSchema): AvroSchema => JSON.parse(JSON.stringify(schema)) as AvroSchema

describe('for any schema with an Avro form, and any value of it', () => {
  it('what is read is what was written', () => {
    for (const seed of seeds) {
      const { schema, values } = sampleOf(seed)
      const codec = avro(schema)
      const read = values.map((value) => codec.decode(codec.encode(value) as Uint8Array))
      expect([seed, read]).toStrictEqual([seed, values])
    }
  })

  it('what is read is what was written, resolved from an equal schema', () => {
    for (const seed of seeds) {
      const { schema, values } = sampleOf(seed)
      const [codec, reader] = [avro(schema), avro(schema, { writer: asJson(avroSchema(schema)) })]
      const read = values.map((value) => reader.decode(codec.encode(value) as Uint8Array))
      expect([seed, read]).toStrictEqual([seed, values])
    }
  })

  it('the same bytes are written by the JSON of its Avro schema', () => {
    for (const seed of seeds) {
      const { schema, values } = sampleOf(seed)
      const [codec, given] = [avro(schema), avro(schema, { schema: asJson(avroSchema(schema)) })]
      for (const value of values) expect([seed, given.encode(value)]).toStrictEqual([seed, codec.encode(value)])
    }
  })

  it('state is kept on the way from store to changelog to store', () => {
    for (const seed of seeds) {
      const { schema, values } = sampleOf(seed)
      const stored = storedCodec(avro(schema, { header: { kind: 'single-object' } }) as Codec<unknown>)
      for (const value of values) {
        const wire = Buffer.from(stored.wire(stored.encode(value)))
        expect([seed, stored.decode(stored.fromWire(wire, 0, wire.length))]).toStrictEqual([seed, value])
      }
    }
  })

  it('a byte that is changed gives a value or an invalid one, and nothing else', () => {
    for (const seed of seeds) {
      const { schema, values } = sampleOf(seed)
      const [codec, random] = [avro(schema), seeded(seed)]
      for (const value of values) {
        const bytes = Buffer.from(codec.encode(value))
        if (bytes.length === 0) continue
        bytes[random(bytes.length)] = random(256)
        expect([seed, refusal(() => codec.decode(bytes))]).toEqual([seed, undefined])
      }
    }
  })
})

/** What is thrown besides `VALUE_INVALID`. */
function refusal(action: () => unknown): unknown {
  try {
    action()
  } catch (error) {
    return MillraceError.is(error, 'VALUE_INVALID') ? undefined : error
  }
  return undefined
}
