import { readFile } from 'node:fs/promises'
import { Kafka, logLevel } from 'kafkajs'
import { connectJson, connectKey, kafkaLog, topic, type Codec, type KeyCodec } from 'millrace'
import { Client } from 'pg'
import { z } from 'zod'
import { nextName } from './names.js'
import { ConnectWorker, type Connector } from './setup/connect-worker.js'
import { OwnPostgres } from './setup/own-postgres.js'
import { describeWithKafka } from './setup/with-kafka.js'

/** One column of each type, as docs/connect.md lists them. */
const everything = z.object({
  flag: z.boolean(),
  small: z.int32(),
  whole: z.int(),
  large: z.bigint(),
  float: z.float32(),
  ratio: z.number(),
  text: z.string(),
  kind: z.enum(['a', 'b']),
  raw: z.instanceof(Uint8Array),
  at: z.date(),
  iso: z.iso.datetime().meta({ connect: 'timestamp' }),
  day: z.iso.date().meta({ connect: 'date' }),
  time: z.iso.time().meta({ connect: 'time' }),
  price: z.string().meta({ connect: { decimal: 2, precision: 12 } }),
  cents: z.bigint().meta({ connect: { decimal: 2 } }),
  tags: z.array(z.string()),
  counts: z.record(z.string(), z.number()),
  lines: z.array(z.object({ sku: z.string() })),
  home: z.object({ city: z.string() }),
  note: z.string().optional(),
  gone: z.int32().nullable(),
  limited: z.int32().default(7),
})
const value: z.infer<typeof everything> = {
  flag: true,
  small: -5,
  whole: 2 ** 53 - 1,
  large: 2n ** 63n - 1n,
  float: 1.5,
  ratio: 0.1,
  text: 'größe 🎈 "quoted"',
  kind: 'b',
  raw: Uint8Array.of(0, 255),
  at: new Date('2030-01-31T12:00:00.123Z'),
  iso: '1969-12-31T23:59:59.999Z',
  day: '2030-01-31',
  time: '23:59:59.250',
  price: '-1234567890.12',
  cents: 10n ** 30n + 1n,
  tags: ['a', 'ü'],
  counts: { x: 1.5 },
  lines: [{ sku: 's' }],
  home: { city: 'Oslo' },
  note: undefined,
  gone: null,
  limited: 9,
}

// It starts a database and a worker, on a machine that others use too.
jest.setTimeout(150_000)

describeWithKafka('the JDBC sink of Kafka Connect', (brokers) => {
  const suffix = nextName('').replaceAll(/\W/g, '_')
  const names = { types: `types${suffix}`, stocks: `stocks${suffix}`, regions: `regions${suffix}` }
  let postgres: OwnPostgres
  let database: Client
  let worker: ConnectWorker
  let sink: Connector

  const rowsOf = (name: string) => async (): Promise<Record<string, unknown>[]> => {
    const { rows: there } = await database.query<{ there: boolean }>('SELECT to_regclass($1) IS NOT NULL AS there', [
      name,
    ])
    if (there[0]?.there !== true) return []
    return (await database.query<Record<string, unknown>>(`SELECT * FROM ${name}`)).rows
  }

  /** Rows as an app publishes them; null: a tombstone. */
  async function write<V>(
    name: string,
    codec: Codec<V>,
    key: KeyCodec,
    rows: readonly (readonly [string, V | null])[],
  ) {
    const encode = ([, row]: readonly [string, V | null]): string | Uint8Array | null =>
      row === null ? null : codec.encode(row)
    await using log = kafkaLog({ brokers })
    const target = { ...topic(name, codec, { key }), codec: { encode, decode: () => rows[0]! } }
    await log.send(target, rows, { key: ([each]) => each })
  }

  const start = (topics: string): Promise<ConnectWorker> =>
    ConnectWorker.start(brokers, [{ name: sink.name, config: { ...sink.config, topics } }], {
      POSTGRES_URL: `jdbc:postgresql://127.0.0.1:${postgres.port}/postgres`,
      POSTGRES_USER: 'postgres',
      POSTGRES_PASSWORD: 'unused',
    })

  beforeAll(async () => {
    const admin = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING }).admin()
    await admin.createTopics({ topics: Object.values(names).map((name) => ({ topic: name, numPartitions: 1 })) })
    await admin.disconnect()
    sink = JSON.parse(await readFile('examples/14-postgres-rows/postgres-sink.json', 'utf8')) as Connector
    postgres = await OwnPostgres.start()
    database = new Client({ connectionString: postgres.url })
    await database.connect()
    await write(names.types, connectJson(everything), connectKey({ id: z.string() }), [['one', value]])
    const stock = connectJson(z.object({ price: z.number() }))
    const prices = (['IBM 1', 'AAPL 2', 'AMZN 3', 'IBM 10', 'AAPL'] as const).map((line) => line.split(' '))
    await write(
      names.stocks,
      stock,
      connectKey({ symbol: z.string() }),
      prices.map(([symbol = '', price]) => [symbol, price === undefined ? null : { price: Number(price) }]),
    )
    const region = connectKey({ region: z.string(), id: z.int() })
    await write(names.regions, connectJson(z.object({ n: z.int() })), region, [
      [region.text({ region: 'EU', id: 1 }), { n: 1 }],
      [region.text({ region: 'EU', id: 2 }), { n: 2 }],
      [region.text({ region: 'EU', id: 1 }), null],
    ])
    worker = await start(Object.values(names).join(','))
  })
  afterAll(async () => {
    await database.end()
    await worker.remove()
    await postgres.remove()
  })

  it('makes a column of each type, and writes its values', async () => {
    await worker.until(sink.name, rowsOf(names.types), (found) => found.length > 0)
    const { rows: columns } = await database.query<Record<'name' | 'type', string>>(
      `SELECT a.attname AS name, concat_ws(' ', format_type(a.atttypid, a.atttypmod), CASE WHEN a.attnotnull THEN 'not null' END,
        'default ' || pg_get_expr(d.adbin, d.adrelid)) AS type
       FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
       WHERE a.attrelid = $1::regclass AND a.attnum > 0`,
      [names.types],
    )
    const types = Object.fromEntries(columns.map(({ name, type }) => [name, type]))
    const text = `ratio::text, at::text, iso::text, day::text, time::text, raw::text`
    const { rows } = await database.query<Record<string, unknown>>(`SELECT *, ${text} FROM ${names.types}`)
    expect(Object.fromEntries(Object.entries(rows[0]!).map(([name, held]) => [name, [types[name], held]]))).toEqual({
      id: ['text not null', 'one'],
      flag: ['boolean not null', true],
      small: ['integer not null', -5],
      whole: ['bigint not null', '9007199254740991'],
      large: ['bigint not null', '9223372036854775807'],
      float: ['real not null', 1.5],
      ratio: ['double precision not null', '0.1'],
      text: ['text not null', value.text],
      kind: ['text not null', 'b'],
      raw: ['bytea not null', '\\x00ff'],
      at: ['timestamp(6) without time zone not null', '2030-01-31 12:00:00.123'],
      iso: ['timestamp(6) without time zone not null', '1969-12-31 23:59:59.999'],
      day: ['date not null', '2030-01-31'],
      time: ['time(6) without time zone not null', '23:59:59.25'],
      price: ['numeric(12,2) not null', '-1234567890.12'],
      cents: ['numeric(38,2) not null', '10000000000000000000000000000.01'],
      tags: ['text[] not null', ['a', 'ü']],
      counts: ['text not null', '{"x":1.5}'],
      lines: ['text not null', '[{"sku":"s"}]'],
      home_city: ['text not null', 'Oslo'],
      note: ['text', null],
      gone: ['integer', null],
      limited: ['integer not null default 7', 9],
    })
  })

  it('updates and deletes rows by their key', async () => {
    const sorted = async () =>
      (await rowsOf(names.stocks)()).map(({ symbol, price }) => `${String(symbol)} ${String(price)}`).sort()
    const rows = await worker.until(sink.name, sorted, (found) => found.join() === 'AMZN 3,IBM 10')
    expect(rows).toEqual(['AMZN 3', 'IBM 10'])
  })

  it('has a column of the primary key for each field of a key', async () => {
    const rows = await worker.until(
      sink.name,
      rowsOf(names.regions),
      (found) => found.length === 1 && found[0]?.['n'] === '2',
    )
    expect(rows).toEqual([{ region: 'EU', id: '2', n: '2' }])
    const { rows: keys } = await database.query<{ name: string }>(
      `SELECT a.attname AS name FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
       WHERE i.indisprimary AND i.indrelid = $1::regclass`,
      [names.regions],
    )
    expect(keys.map(({ name }) => name).sort()).toEqual(['id', 'region'])
  })

  it('adds a column for a new field, and goes on with rows that do not have it', async () => {
    const columns = {
      currency: z.string().optional(),
      lots: z.int32().default(1),
      exchangeCode: z.string().optional(),
    }
    const more = connectJson(z.object({ price: z.number(), ...columns }))
    const key = connectKey({ symbol: z.string() })
    await write(names.stocks, more, key, [['GOOG', { price: 5, currency: 'USD', lots: 2, exchangeCode: 'N' }]])
    await write(names.stocks, connectJson(z.object({ price: z.number() })), key, [['IBM', { price: 11 }]])
    const rows = await worker.until(sink.name, rowsOf(names.stocks), (found) => found.some(({ price }) => price === 11))
    // Names that are not quoted are in small letters in PostgreSQL.
    const none = { currency: null, lots: 1, exchangecode: null }
    expect(rows.sort((one, other) => Number(one['price']) - Number(other['price']))).toEqual([
      { symbol: 'AMZN', price: 3, ...none },
      { symbol: 'GOOG', price: 5, currency: 'USD', lots: 2, exchangecode: 'N' },
      { symbol: 'IBM', price: 11, ...none },
    ])
  })
})
