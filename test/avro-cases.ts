import { z } from 'zod'

/** A value as zod has it, of each of the vectors in `vectors/avro.json`. */
export interface AvroCase {
  readonly schema: z.ZodType
  readonly value: unknown
  /** For values that another schema reads: that schema, and what it makes of them. */
  readonly reader?: z.ZodType
  readonly read?: unknown
}

const item = z.object({ sku: z.string(), quantity: z.int32(), price: z.number() }).meta({ id: 'Item' })

const order = z
  .object({
    id: z.uuid(),
    at: z.date(),
    status: z.enum(['new', 'paid', 'sent']).default('new'),
    items: z.array(item).default([]),
    counts: z.record(z.string(), z.int()),
    cents: z.bigint(),
    digest: z.instanceof(Uint8Array),
    express: z.boolean(),
    weight: z.float32(),
    note: z.string().optional().meta({ description: 'For the courier.' }),
    parcel: item.nullable(),
    paidBy: z.union([z.string(), z.int(), z.object({ card: z.string() })]).optional(),
  })
  .meta({ id: 'Order', description: 'What a customer wants.' })

const node = z
  .object({
    value: z.int(),
    get children() {
      return z.array(node)
    },
  })
  .meta({ id: 'Node' })

const extremes = z
  .object({
    ints: z.array(z.int32()),
    longs: z.array(z.int()),
    bigints: z.array(z.bigint()),
    doubles: z.array(z.number()),
    texts: z.array(z.string()),
  })
  .meta({ id: 'Extremes' })

const before = z
  .object({
    name: z.string(),
    age: z.int32(),
    score: z.int(),
    size: z.float32(),
    gone: z.array(z.string()),
    kept: z.string(),
  })
  .meta({ id: 'Person' })

const after = z
  .object({
    kept: z.string(),
    fullName: z.string().meta({ aliases: ['name'] }),
    age: z.int(),
    score: z.number(),
    size: z.number(),
    email: z.string().optional(),
    tags: z.array(z.string()).default(['none']),
  })
  .meta({ id: 'Human', aliases: ['Person'] })

export const avroCases: Readonly<Record<string, AvroCase>> = {
  order: {
    schema: order,
    value: {
      id: '123e4567-e89b-42d3-a456-426614174000',
      at: new Date(1_700_000_000_123),
      status: 'paid',
      items: [
        { sku: 'größe', quantity: -3, price: 0.1 },
        { sku: '🎈', quantity: 70_000, price: -1e300 },
      ],
      // In the order in which Java writes them.
      counts: { 'b c': -1, a: 2 ** 53 - 1 },
      cents: -(2n ** 63n),
      digest: new Uint8Array([0, 127, 128, 255]),
      express: true,
      weight: 0.5,
      note: 'ring twice',
      parcel: { sku: '', quantity: 0, price: 0 },
      paidBy: { card: '4242' },
    },
  },
  'order with nothing optional': {
    schema: order,
    value: {
      id: '123e4567-e89b-42d3-a456-426614174000',
      at: new Date(-1),
      status: 'new',
      items: [],
      counts: {},
      cents: 0n,
      digest: new Uint8Array(0),
      express: false,
      weight: -1,
      parcel: null,
    },
  },
  'a record that holds itself': {
    schema: node,
    value: {
      value: 1,
      children: [
        { value: 2, children: [{ value: 3, children: [] }] },
        { value: 4, children: [] },
      ],
    },
  },
  extremes: {
    schema: extremes,
    value: {
      ints: [0, -1, 1, 63, 64, -64, -65, 2 ** 31 - 1, -(2 ** 31)],
      longs: [2 ** 31, 2 ** 52, -(2 ** 52), -(2 ** 52) - 1, 2 ** 53 - 1, 1 - 2 ** 53],
      bigints: [2n ** 53n + 1n, 2n ** 63n - 1n, -(2n ** 63n), 5n],
      doubles: [0, -0, 0.5, -(2 ** 100)],
      texts: ['', 'x'.repeat(200), '漢字', '\u0000'],
    },
  },
  text: { schema: z.string(), value: 'abc' },
  evolved: {
    schema: before,
    value: { name: 'Ada', age: 36, score: 2 ** 50, size: 1.5, gone: ['a', 'b'], kept: 'yes' },
    reader: after,
    read: { kept: 'yes', fullName: 'Ada', age: 36, score: 2 ** 50, size: 1.5, tags: ['none'] },
  },
}
