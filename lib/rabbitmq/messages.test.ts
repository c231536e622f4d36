import type { ConsumeMessage } from 'amqplib'
import fc from 'fast-check'
import type { SinkRecord } from '../connect/index.js'
import { outgoing } from './outgoing.js'
import { recordOf, type RecordOptions } from './record.js'
import type { RabbitmqSinkOptions } from './sink-options.js'

const delivered = (properties: object, content = 'x'): ConsumeMessage =>
  ({
    content: Buffer.from(content),
    fields: { deliveryTag: 7, redelivered: false, exchange: 'events', routingKey: 'a.b', consumerTag: 'c' },
    properties,
  }) as unknown as ConsumeMessage

const taken = (properties: object, options: RecordOptions = {}, content?: string) =>
  recordOf(delivered(properties, content), 'q', options)

const texts = (properties: object): Record<string, string | null> =>
  Object.fromEntries(
    [...(taken(properties).headers ?? [])].map(([name, value]) => [
      name,
      value === null ? null : Buffer.from(value).toString(),
    ]),
  )

describe('the record of a message', () => {
  it('has its properties, exchange and routing key as headers', () => {
    const properties = {
      contentType: 'application/json',
      correlationId: 'c-1',
      timestamp: 1_700_000_000,
      deliveryMode: 2,
      priority: 0,
      messageId: 'm-1',
      replyTo: undefined,
    }
    expect(texts(properties)).toEqual({
      'amqp.exchange': 'events',
      'amqp.routingKey': 'a.b',
      'amqp.contentType': 'application/json',
      'amqp.correlationId': 'c-1',
      'amqp.timestamp': '1700000000',
      'amqp.deliveryMode': '2',
      'amqp.priority': '0',
      'amqp.messageId': 'm-1',
    })
  })

  const nested = (depth: number): unknown => Array.from({ length: depth }).reduce((inner) => [inner], 'end')

  it.each<[string, unknown, string | null]>([
    ['text', 'é', 'é'],
    ['empty text', '', ''],
    ['a whole number', -7, '-7'],
    ['a fraction', 0.1, '0.1'],
    ['no number', NaN, 'NaN'],
    ['an infinite number', -Infinity, '-Infinity'],
    ['a boolean', false, 'false'],
    ['null', null, null],
    ['bytes', Buffer.from('raw'), 'raw'],
    ['a timestamp', { '!': 'timestamp', value: 1_700_000_000 }, '1700000000'],
    ['a decimal', { '!': 'decimal', value: { places: 2, digits: 1234 } }, '12.34'],
    ['a decimal below one', { '!': 'decimal', value: { places: 3, digits: 5 } }, '0.005'],
    ['a whole decimal', { '!': 'decimal', value: { places: 0, digits: 5 } }, '5'],
    ['a table that only looks like a decimal', { '!': 'decimal', value: 'x' }, '{"!":"decimal","value":"x"}'],
    ['a table that only looks like a timestamp', { '!': 'timestamp' }, '{"!":"timestamp"}'],
    ['a list', [1, 'a', null, NaN], '[1,"a",null,"NaN"]'],
    [
      'a table in a table',
      { a: { bytes: Buffer.from('raw'), at: { '!': 'timestamp', value: 5 } } },
      '{"a":{"bytes":"cmF3","at":5}}',
    ],
    ['a table with a bad name', JSON.parse('{"__proto__":{"x":1}}'), '{"__proto__":{"x":1}}'],
    ['an empty table', {}, '{}'],
    ['lists that are nested too deeply', nested(100_000), `${'['.repeat(16)}"nested too deeply"${']'.repeat(16)}`],
  ])('has a header of %s', (_what, value, text) => {
    expect(texts({ headers: { h: value } }).h).toBe(text)
  })

  it('cannot have headers that feign what the source says', () => {
    const headers = texts({ headers: { 'amqp.routingKey': 'feigned', 'millrace.error.code': 'feigned' } })
    expect(headers).toEqual({
      'amqp.exchange': 'events',
      'amqp.routingKey': 'a.b',
      'amqp.header.amqp.routingKey': 'feigned',
      'amqp.header.millrace.error.code': 'feigned',
    })
  })

  it('has headers whatever a table holds', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string(), fc.anything({ withTypedArray: true, withNullPrototype: true })),
        (headers) => {
          // Those of amqplib have no symbols, bigints or functions.
          for (const value of (taken({ headers }).headers ?? new Map()).values())
            expect(value === null || value instanceof Uint8Array).toBe(true)
        },
      ),
    )
  })

  it.each<[string, object, RecordOptions, object]>([
    ['the messageId as its id', { messageId: 'm' }, {}, { id: 'm', at: 'queue q, message m' }],
    ['no id without a messageId', {}, {}, { at: 'queue q, delivery 7' }],
    ['no id of an empty messageId', { messageId: '' }, {}, {}],
    ['the id that the function gives', { messageId: 'm' }, { id: ({ routingKey }) => routingKey }, { id: 'a.b' }],
    ['no id where the function gives none', { messageId: 'm' }, { id: () => undefined }, {}],
    ['the key that the function gives', {}, { key: ({ exchange }) => exchange }, { key: 'events' }],
    [
      'the time that the function gives',
      { timestamp: 5 },
      { timestamp: (m) => m.properties.timestamp! * 1_000 },
      { timestamp: 5_000 },
    ],
  ])('has %s', (_what, properties, options, expected) => {
    const record = taken(properties, options)
    expect(record).toMatchObject({ bytes: Buffer.from('x'), ...expected })
    expect('id' in record).toBe('id' in expected)
    expect(record.refused).toBeUndefined()
  })

  it.each(['id', 'key', 'timestamp'] as const)('is refused, with its bytes, where the function %s throws', (name) => {
    const thrower = (): never => {
      throw new TypeError('no such field')
    }
    expect(taken({ messageId: 'm' }, { [name]: thrower })).toMatchObject({
      id: 'm',
      bytes: Buffer.from('x'),
      refused: `the function ${name} threw: no such field`,
    })
  })

  it('is a tombstone where an empty message says so', () => {
    const tombstone = { headers: { 'millrace.tombstone': true } }
    expect(taken(tombstone, {}, '')).toMatchObject({ value: null })
    expect(taken(tombstone, {}, 'x')).toMatchObject({ bytes: Buffer.from('x') })
    expect(taken({}, {}, '')).toMatchObject({ bytes: Buffer.alloc(0) })
  })
})

const record = (more: Partial<SinkRecord> = {}): SinkRecord => ({
  key: 'k',
  value: { a: 1 },
  bytes: Buffer.from('{"a":1}'),
  offset: 41,
  timestamp: 1_700_000_000_999,
  headers: new Map(),
  ...more,
})

const sent = (more: Partial<SinkRecord>, options: Partial<RabbitmqSinkOptions> = {}) =>
  outgoing(record(more), { topic: 'orders', partition: 3 }, { url: '', exchange: 'x', ...options })

describe('the message of a record', () => {
  it('has the bytes as they are, and an id by which it is known again', () => {
    expect(sent({})).toMatchObject({
      routingKey: 'k',
      content: Buffer.from('{"a":1}'),
      options: { messageId: 'orders-3-41', timestamp: 1_700_000_000, persistent: true, mandatory: true },
    })
  })

  it.each<[string, Partial<SinkRecord>, Partial<RabbitmqSinkOptions>, string]>([
    ['its key', {}, {}, 'k'],
    ['empty text without a key', { key: null }, {}, ''],
    ['the text of the options', {}, { routingKey: 'all' }, 'all'],
    ['what the function gives', {}, { routingKey: ({ offset }) => `n.${offset}` }, 'n.41'],
  ])('has as its routing key %s', (_what, more, options, expected) => {
    expect(sent(more, options).routingKey).toBe(expected)
  })

  it('has headers as text where they are text, else as bytes', () => {
    const bytes = Uint8Array.of(0xff, 0xfe)
    const headers = new Map([
      ['text', Buffer.from('é')],
      ['bytes', bytes],
      ['nothing', null],
      ['CC', Buffer.from('elsewhere')],
    ])
    expect({ ...sent({ headers }).options.headers }).toEqual({
      text: 'é',
      bytes: Buffer.from(bytes),
      nothing: null,
      'record.CC': 'elsewhere',
    })
  })

  it('has more properties, and headers that come before those of the record', () => {
    const headers = new Map([['h', Buffer.from('of the record')]])
    const properties = () => ({ contentType: 'text/plain', headers: { h: 'own', at: new Date(5_000) } })
    const { options } = sent({ headers }, { properties })
    expect(options.contentType).toBe('text/plain')
    expect({ ...options.headers }).toEqual({ h: 'own', at: { '!': 'timestamp', value: 5 } })
  })

  it('is empty and says so where the record is a tombstone', () => {
    const { content, options } = sent({ bytes: null, value: null })
    expect(content).toHaveLength(0)
    expect({ ...options.headers }).toEqual({ 'millrace.tombstone': true })
  })

  it.each<[string, Partial<SinkRecord>, object, string]>([
    ['a key that is too long', { key: 'ä'.repeat(128) }, {}, 'routing key is longer than 255 bytes'],
    ['a routing key that is no text', {}, { routingKey: () => 7 }, 'its routing key is a number (7)'],
    ['half a surrogate pair', {}, { routingKey: () => '\ud800' }, 'or no text'],
    ['a function that throws', {}, { routingKey: () => JSON.parse('{') as string }, 'the function routingKey threw'],
    ['properties that are none', {}, { properties: () => 'x' }, 'properties gave a string'],
    ['an unknown property', {}, { properties: () => ({ messageId: 'mine' }) }, "properties gave 'messageId'"],
    ['a header with a long name', { headers: new Map([['h'.repeat(256), null]]) }, {}, 'longer than 255 bytes'],
  ])('cannot be made with %s', (_what, more, options, message) => {
    expect(() => sent(more, options as Partial<RabbitmqSinkOptions>)).toThrow(message)
  })
})
