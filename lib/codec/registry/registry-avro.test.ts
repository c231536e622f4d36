import { z } from 'zod'
import { FakeRegistry } from '../../../test/fake-registry.js'
import { avroSchema } from '../avro/avro-schema.js'
import { avro } from '../avro/avro.js'
import { registryAvro } from './registry-avro.js'
import { takesWindows } from '../keys.js'
import { registry } from './registry.js'
import { topic, type Topic } from '../../model/stream.js'
import { awaited, framed, never, read, Row, rowsAt } from '../../../test/registry-topics.js'

let fake: FakeRegistry
beforeEach(async () => void (fake = await FakeRegistry.start(100_000)))
afterEach(() => fake.stop())

describe('what is written', () => {
  it('has a zero byte and the id in front, under which the registry has the schema', async () => {
    const rows = rowsAt(fake.url)
    await awaited(rows as never).prepare('write', never)
    const bytes = Buffer.from(rows.codec.encode({ symbol: 'IBM', price: 1 }))
    expect(fake.subjects.get('rows-value')).toEqual([100_000])
    expect(bytes.subarray(0, 5).toString('hex')).toBe('00000186a0')
    expect(bytes.subarray(5)).toEqual(Buffer.from(avro(Row).encode({ symbol: 'IBM', price: 1 })))
    expect(await read(rows as never, bytes)).toEqual({ symbol: 'IBM', price: 1 })
  })

  it('has the id that the subject has already, also where register is false', async () => {
    const id = fake.add('rows-value', avroSchema(Row))
    for (const register of [true, false]) {
      const rows = rowsAt(fake.url, { register })
      await awaited(rows as never).prepare('write', never)
      expect(Buffer.from(rows.codec.encode({ symbol: 'IBM', price: 1 })).readInt32BE(1)).toBe(id)
    }
    expect(fake.requests.filter((request) => request.endsWith('/versions'))).toEqual([])
  })

  it('is refused before the id is known, and says what to do', () => {
    expect(() => rowsAt(fake.url).codec.encode({ symbol: 'IBM', price: 1 })).toThrow(
      expect.objectContaining({
        code: 'DEFINITION_INVALID',
        message: expect.stringContaining('emits: [rows]') as string,
      }),
    )
  })

  it.each([
    ['topic', 'rows-value'],
    ['record', 'com.acme.Row'],
    ['topic-record', 'rows-com.acme.Row'],
  ] as const)('goes by the subjects of %s: %s', async (subjects, subject) => {
    const client = registry({ url: fake.url, subjects })
    const rows = topic('rows', registryAvro(Row, { registry: client, name: 'com.acme.Row' }))
    await awaited(rows as never).prepare('write', never)
    expect([...fake.subjects.keys()]).toEqual([subject])
  })

  it('needs a name where subjects are named after records', () => {
    const client = registry({ url: fake.url, subjects: 'record' })
    const nameless = registryAvro(z.object({ a: z.string() }), { registry: client })
    expect(() => topic('rows', nameless)).toThrow(/this one has none; give registryAvro the option name/)
  })

  it('is not written under the id of a schema with other bytes', async () => {
    // A registry that does not mind the order of fields.
    fake.put('rows-value', 7, {
      type: 'record',
      name: 'Row',
      fields: [
        { name: 'price', type: 'double' },
        { name: 'symbol', type: 'string' },
      ],
    })
    fake.intercept = (request, response) => {
      if (request.method !== 'POST') return true
      response.end('{"id":7}')
      return false
    }
    await expect(awaited(rowsAt(fake.url) as never).prepare('write', never)).rejects.toMatchObject({
      code: 'SCHEMA_REFUSED',
      message: expect.stringContaining('under that id it has another one') as string,
    })
  })
})

describe('what is read', () => {
  const Older = z.object({ symbol: z.string(), cents: z.int() })
  const Newer = z.object({ symbol: z.string(), price: z.number(), note: z.string().default('') })

  it('is resolved from the schema of its producer, be it newer or older', async () => {
    const newer = framed(
      fake.add('rows-value', avroSchema(Newer, 'Row')),
      avro(Newer).encode({ symbol: 'IBM', price: 1, note: 'x' }),
    )
    expect(await read(rowsAt(fake.url) as never, newer)).toEqual({ symbol: 'IBM', price: 1 })
    const older = framed(fake.add('rows-value', avroSchema(Row)), avro(Row).encode({ symbol: 'IBM', price: 2 }))
    const ours = topic('rows', registryAvro(Newer, { registry: registry({ url: fake.url }), name: 'Row' }))
    expect(await read(ours as never, older)).toEqual({ symbol: 'IBM', price: 2, note: '' })
  })

  it.each<[string, () => Buffer, RegExp]>([
    ['an id that the registry does not have', () => framed(12, 'x'), /the registry does not have schema 12/],
    [
      'a schema that ours cannot read',
      () => framed(fake.add('rows-value', avroSchema(Older, 'Row')), avro(Older).encode({ symbol: 'IBM', cents: 1 })),
      /what Row wrote cannot be read as Row/,
    ],
    [
      'a schema of another type',
      () => framed(fake.add('rows-value', 'message M {}', { schemaType: 'PROTOBUF' }), 'x'),
      /schema 100000 cannot be used: it is a schema of type PROTOBUF/,
    ],
    [
      'a schema that is none',
      () => framed(fake.add('rows-value', { type: 'nonsense' }), 'x'),
      /not an Avro schema that can be used/,
    ],
    ['JSON', () => Buffer.from('{"symbol":"IBM"}'), /does not begin with a zero byte/],
    ['nothing', () => Buffer.alloc(0), /does not begin with a zero byte/],
    ['half a header', () => Buffer.from([0, 0, 0]), /does not begin with a zero byte/],
    ['a negative id', () => framed(-5, 'x'), /does not begin with a zero byte/],
    [
      'a value that is cut off',
      () => framed(fake.add('rows-value', avroSchema(Row)), avro(Row).encode({ symbol: 'IBM', price: 1 }).slice(0, 4)),
      /not an Avro Row \(byte/,
    ],
  ])('is refused: %s', async (_, bytes, message) => {
    await expect(read(rowsAt(fake.url) as never, bytes())).rejects.toMatchObject({
      code: 'VALUE_INVALID',
      message: expect.stringMatching(message) as string,
    })
  })

  it('may refer to schemas of other subjects', async () => {
    const Money = z.object({ cents: z.int() }).meta({ id: 'Money' })
    fake.add('money', avroSchema(Money))
    const schema = {
      type: 'record',
      name: 'Row',
      fields: [
        { name: 'symbol', type: 'string' },
        { name: 'price', type: 'Money' },
      ],
    }
    const id = fake.add('rows-value', schema, { references: [{ name: 'Money', subject: 'money', version: 1 }] })
    const Whole = z.object({ symbol: z.string(), price: Money })
    const rows = topic('rows', registryAvro(Whole, { registry: registry({ url: fake.url }), name: 'Row' }))
    const value = { symbol: 'IBM', price: { cents: 5 } }
    expect(await read(rows as never, framed(id, avro(Whole).encode(value)))).toEqual(value)
  })

  it('is asked for once, however many wait', async () => {
    const bytes = framed(fake.add('rows-value', avroSchema(Row)), avro(Row).encode({ symbol: 'IBM', price: 1 }))
    const client = registry({ url: fake.url })
    const topics = ['a', 'b', 'c'].map((name) => topic(name, registryAvro(Row, { registry: client })))
    await Promise.all(topics.map((each) => read(each as never, bytes)))
    await Promise.all(topics.map((each) => read(each as never, bytes)))
    expect(fake.requests).toEqual(['GET /schemas/ids/100000'])
  })

  it('is refused for some time only when the registry does not have its schema', async () => {
    const rows = rowsAt(fake.url)
    const bytes = framed(100_000, avro(Row).encode({ symbol: 'IBM', price: 1 }))
    await expect(read(rows as never, bytes)).rejects.toThrow(/does not have schema 100000/)
    fake.add('rows-value', avroSchema(Row))
    const later = jest.spyOn(performance, 'now').mockReturnValue(performance.now() + 11_000)
    expect(await read(rows as never, bytes)).toEqual({ symbol: 'IBM', price: 1 })
    later.mockRestore()
  })

  it('must be what the latest schema of the subject writes, when an app starts', async () => {
    const rows = rowsAt(fake.url)
    await awaited(rows as never).prepare('read', never)
    fake.add('rows-value', avroSchema(Newer, 'Row'))
    await awaited(rows as never).prepare('read', never)
    fake.add('rows-value', avroSchema(Older, 'Row'))
    await expect(awaited(rows as never).prepare('read', never)).rejects.toMatchObject({
      code: 'SCHEMA_REFUSED',
      message: expect.stringMatching(
        /^topic 'rows', its value: subject 'rows-value': what its latest schema writes cannot be read/,
      ) as string,
    })
    await awaited(rowsAt(fake.url, { check: false }) as never).prepare('read', never)
  })
})

describe('keys', () => {
  const keyed = (schema: z.ZodType): Topic<{ a: string }> => {
    const client = registry({ url: fake.url })
    return topic('rows', z.object({ a: z.string() }), { key: registryAvro(schema, { registry: client, name: 'Key' }) })
  }

  it.each<[string, z.ZodType, unknown, string]>([
    ['text', z.string(), 'IBM', 'IBM'],
    ['a number', z.int(), -12, '-12'],
    ['a bigint', z.bigint(), 2n ** 60n, String(2n ** 60n)],
    ['one field', z.object({ symbol: z.string() }), { symbol: '["IBM"' }, '["IBM"'],
    [
      'fields',
      z.object({ symbol: z.string(), day: z.int(), up: z.boolean() }),
      { symbol: 'a"b', day: 3, up: false },
      '["a\\"b",3,false]',
    ],
    ['a date', z.object({ at: z.date() }), { at: new Date(0) }, '0'],
    ['bytes', z.object({ hash: z.instanceof(Uint8Array) }), { hash: Buffer.from([1, 255]) }, '01ff'],
  ])('of %s are text to user code', async (_, schema, key, text) => {
    const { keys } = keyed(schema)
    await keys.awaited?.prepare('write', never)
    const bytes = Buffer.from(keys.bytes(text))
    expect(bytes).toEqual(framed(100_000, avro(schema as z.ZodObject).encode(key as never)))
    expect([...fake.subjects.keys()]).toEqual(['rows-key'])
    await keys.awaited?.missing(bytes, 0, bytes.length)
    expect(keys.text(bytes, 0, bytes.length)).toBe(text)
  })

  it.each([
    'x',
    '["IBM"]',
    '["IBM",01]',
    '["IBM","1"]',
    '["IBM", 1]',
    '["IBM",1,2]',
    'null',
    '{"symbol":"IBM","day":1}',
  ])('are not %s', async (text) => {
    const { keys } = keyed(z.object({ symbol: z.string(), day: z.int() }))
    await keys.awaited?.prepare('write', never)
    expect(() => keys.bytes(text)).toThrow(/is no key of format/)
  })

  it('take windows behind them where they are any text', () => {
    const takes = (schema: z.ZodType): boolean => takesWindows(keyed(schema).keys)
    expect([z.string(), z.object({ a: z.string() })].map(takes)).toEqual([true, true])
    expect(
      [z.int(), z.uuid(), z.object({ a: z.int() }), z.object({ a: z.string(), b: z.string() })].map(takes),
    ).toEqual([false, false, false, false])
  })

  it.each([
    z.object({}),
    z.number(),
    z.object({ a: z.string().optional() }),
    z.object({ a: z.object({ b: z.string() }) }),
    z.array(z.string()),
  ])('are nothing that has no text', (schema) =>
    expect(() => keyed(schema)).toThrow(/topic 'rows': Key.* in a key|a key without fields/),
  )
})
