import * as fc from 'fast-check'
import { z } from 'zod'
import { asZod } from '../zod-def.js'
import { exactNumbers } from './exact-numbers.js'
import { jsonForm, plain } from './json-form.js'

const of = (schema: z.ZodType): ReturnType<typeof exactNumbers> => exactNumbers(asZod(schema)!)

const schema = z.object({
  count: z.number(),
  name: z.string().optional(),
  kind: z.enum(['a', 'b']).nullable(),
  one: z.literal([1, 'x', null]),
  list: z.array(z.object({ price: z.number().nullable(), at: z.int().optional() })),
  flags: z.array(z.boolean()),
})
const number = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer(),
  fc.constantFrom(0, -0, 2 ** 53, 2 ** 53 - 1, 1 - 2 ** 53, -(2 ** 53), 1e300),
)
const value: fc.Arbitrary<z.infer<typeof schema>> = fc.record(
  {
    count: number,
    name: fc.string(),
    kind: fc.constantFrom('a' as const, 'b' as const, null),
    one: fc.constantFrom(1 as const, 'x' as const, null),
    list: fc.array(fc.record({ price: fc.option(number), at: fc.integer() }, { requiredKeys: ['price'] })),
    flags: fc.array(fc.boolean()),
  },
  { requiredKeys: ['count', 'kind', 'one', 'list', 'flags'] },
)

describe('the numbers of a value that fits its schema', () => {
  it('are written as they are when a walk over all of the value says so too', () => {
    const look = of(schema)!
    fc.assert(fc.property(value, (each) => expect(look(each)).toBe(jsonForm(each, false) === plain)))
  })

  it('are none where the schema has none', () => {
    expect(of(z.object({ name: z.string() }))!({ name: 'x' })).toBe(true)
  })
})

const node = z.object({
  get next() {
    return z.array(node)
  },
})
const unsure: readonly (readonly [string, z.ZodType])[] = [
  ['anything', z.object({ a: z.any() })],
  ['what is dropped or kept besides', z.looseObject({ a: z.number() })],
  ['an instance', z.instanceof(Object)],
  ['undefined in a list', z.array(z.number().optional())],
  ['what is not looked into', z.record(z.string(), z.number())],
  ['what contains itself', node],
  ['text that becomes a number', z.coerce.number()],
  ['bigint', z.bigint()],
  ['a literal bigint', z.literal(5n)],
  ['a literal that is not exact', z.literal(-0)],
  ['a transform', z.string().transform(Number)],
]

it.each(unsure)('%s is left to the walk', (_what, each) => {
  expect(of(each)).toBeUndefined()
})
