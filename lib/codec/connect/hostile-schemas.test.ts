import { z } from 'zod'
import { avro } from '../avro/avro.js'
import { connectJson } from './connect-json.js'

const Self: z.ZodType = z.lazy(() => Self)
const Nullable: z.ZodType = z.lazy(() => Nullable.nullable())
const Ping: z.ZodType = z.lazy(() => Pong.optional())
const Pong: z.ZodType = z.lazy(() => Ping)

it.each([
  ['itself', Self],
  ['itself or null', Nullable],
  ['another that is it', Ping],
])('a schema that is nothing but %s is refused, and does not hang', (_what, schema) => {
  for (const codec of [connectJson, avro])
    expect(() => codec(z.object({ id: z.string(), held: schema }))).toThrow(
      expect.objectContaining({ code: 'DEFINITION_INVALID', message: expect.stringContaining('contains itself') }),
    )
})

it('a field named __proto__ is refused wherever it stands, since it would be lost', () => {
  const inner = z.object({ ['__proto__']: z.string(), id: z.string() })
  for (const schema of [inner, z.object({ inner }), z.object({ ['__proto__']: inner, id: z.string() })])
    for (const codec of [connectJson, avro])
      expect(() => codec(schema)).toThrow(
        expect.objectContaining({ code: 'DEFINITION_INVALID', message: expect.stringContaining('__proto__') }),
      )
})

it('two schemas one after the other of different types are refused, since the second says what is written', () => {
  expect(() => connectJson(z.object({ a: z.string().pipe(z.coerce.number()) }))).toThrow(
    /zod 'pipe' has no Connect form/,
  )
  const same = connectJson(z.object({ a: z.string().pipe(z.string().min(2)) }))
  expect(same.decode(Buffer.from(same.encode({ a: 'xy' })))).toEqual({ a: 'xy' })
})

it.each([null, 1, 'null', [null], { a: null }])('anything as text that holds JSON is %j again', (a) => {
  for (const any of [z.any(), z.unknown(), z.json()]) {
    const codec = connectJson(z.object({ id: z.string(), a: any.meta({ connect: 'json' }) }))
    expect(codec.decode(Buffer.from(codec.encode({ id: 'x', a })))).toEqual({ id: 'x', a })
  }
})
