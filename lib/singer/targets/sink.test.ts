import { existsSync } from 'node:fs'
import { z } from 'zod'
import { sinkContract } from '../../connect/contract-of-sinks.js'
import { SinkRefused } from '../../connect/sink-refused.js'
import type { SinkBatch, SinkPartition, SinkRecord } from '../../connect/sink.js'
import { silentLogger } from '../../core/logger.js'
import { isAlive, Programs, textOf, until } from '../../../test/singer/program.js'
import { singerSink, type SingerSinkOptions } from '../index.js'

const programs = new Programs()
const opened: SinkPartition<any>[] = []
let count = 0

afterEach(async () => {
  await Promise.all(opened.splice(0).map(async (one) => one.close?.()))
})
afterAll(() => programs.remove())

/** A program with `each(message)` for what it reads; what it hears is in the file `heard`. */
const reading = `
const heard = process.argv[2]
const hear = (line) => fs.appendFileSync(heard, line + '\\n')
let rest = ''
process.stdin.on('data', (chunk) => {
  const lines = (rest + chunk).split('\\n')
  rest = lines.pop()
  for (const line of lines) { hear(line); each(JSON.parse(line)) }
})
process.stdin.on('end', () => ended())
let ended = () => undefined`

interface Writing extends SinkPartition<any> {
  write(batch: SinkBatch): Promise<void>
}

interface Open {
  readonly sink: Writing
  readonly abort: () => void
  /** What the program has read. */
  text(): string
  heard(): any[]
}

async function open(source: string, options: Partial<SingerSinkOptions<any>> = {}): Promise<Open> {
  const heard = programs.path(`heard-${count}`)
  const { command, args } = programs.write(`target-${count++}`, `${reading}\n${source}`)
  const ending = new AbortController()
  const connector = singerSink({ command, args: [...args, heard], stopTimeout: 300, ...options })
  const sink = (await connector.open({
    sink: 'test',
    topic: 'rows',
    partition: 3,
    signal: ending.signal,
    logger: silentLogger,
  })) as Writing
  opened.push(sink)
  const text = (): string => textOf(heard) ?? ''
  const lines = (): any[] =>
    text()
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as unknown)
  return { sink, text, heard: lines, abort: () => ending.abort() }
}

const echo = `function each(message) { if (message.type === 'STATE') out(message.value) }`

const recordOf = (value: unknown, offset: number, key: string | null = null): SinkRecord<any> => ({
  key,
  value,
  bytes: null,
  offset,
  timestamp: Date.UTC(2026, 0, 2),
  headers: new Map(),
})
const batchOf = (values: readonly unknown[], from = 0) => ({
  topic: 'rows',
  partition: 3,
  records: values.map((value, i) => recordOf(value, from + i, String(i))),
  nextOffset: from + values.length,
})

describe('a program as a sink', () => {
  it('hears the schema once, records and a STATE behind each batch, and resolves when it repeats that', async () => {
    const { sink, heard } = await open(echo, {
      schema: z.object({ id: z.number(), name: z.string().optional() }),
      keyProperties: ['id'],
      stream: 'people',
    })
    await sink.write(batchOf([{ id: 1 }]))
    await sink.write(batchOf([{ id: 2 }], 7))
    const time_extracted = '2026-01-02T00:00:00.000Z'
    expect(heard()).toEqual([
      {
        type: 'SCHEMA',
        stream: 'people',
        schema: { type: 'object', properties: { id: { type: 'number' }, name: { type: 'string' } }, required: ['id'] },
        key_properties: ['id'],
      },
      { type: 'RECORD', stream: 'people', record: { id: 1 }, time_extracted },
      { type: 'STATE', value: { topic: 'rows', partition: 3, nextOffset: 1, batch: 1 } },
      { type: 'RECORD', stream: 'people', record: { id: 2 }, time_extracted },
      { type: 'STATE', value: { topic: 'rows', partition: 3, nextOffset: 8, batch: 2 } },
    ])
  })

  it('may repeat the whole message, twice, and log to stderr', async () => {
    const { sink, heard } = await open(
      `function each(message) { if (message.type === 'STATE') { out(message); out(message); console.error('done') } }`,
    )
    await sink.write(batchOf([{ id: 1 }]))
    await sink.write(batchOf([{ id: 2 }], 1))
    expect(heard().filter(({ type }) => type === 'STATE')).toHaveLength(2)
  })

  it('resolves no earlier when it gets the same batch again', async () => {
    const { sink, heard } = await open(echo)
    await sink.write(batchOf([{ id: 1 }]))
    await sink.write(batchOf([{ id: 1 }]))
    expect(heard().map(({ type }) => type)).toEqual(['SCHEMA', 'RECORD', 'STATE', 'RECORD', 'STATE'])
  })

  it('that acknowledges at the end is run for each batch', async () => {
    const { sink, heard } = await open(
      `let last; function each(message) { if (message.type === 'STATE') last = message.value }; ended = () => out(last)`,
      { acknowledges: 'at-end' },
    )
    await sink.write(batchOf([{ id: 1 }]))
    await sink.write(batchOf([{ id: 2 }], 1))
    expect(heard().map(({ type }) => type)).toEqual(['SCHEMA', 'RECORD', 'STATE', 'SCHEMA', 'RECORD', 'STATE'])
  })

  it('leaves no config behind between batches, when none of it runs', async () => {
    const { sink, heard } = await open(
      `let v; function each(m) { v = m.value ?? v }
       ended = () => { hear(JSON.stringify({ path: process.argv[process.argv.indexOf('--config') + 1] })); out(v) }`,
      { acknowledges: 'at-end', config: { password: 'canary1' } },
    )
    for (const offset of [0, 1]) {
      await sink.write(batchOf([{ id: 1 }], offset))
      const { path } = heard().at(-1) as { path: string }
      expect(path).toMatch(/config\.json$/)
      expect(existsSync(path)).toBe(false)
    }
  })

  it('gets numbers with all their digits, dates and bytes as text', async () => {
    const { sink, text } = await open(echo)
    const big = 12345678901234567890n
    const value = {
      big,
      list: [big, -1n],
      at: new Date(0),
      bytes: Buffer.from('hi'),
      view: Uint8Array.of(255),
      none: undefined,
    }
    await sink.write(batchOf([value]))
    expect(text()).toContain(
      '"record":{"big":12345678901234567890,"list":[12345678901234567890,-1],"at":"1970-01-01T00:00:00.000Z","bytes":"aGk=","view":"/w=="}',
    )
  })

  it('that reads slowly holds up the writer, and gets everything', async () => {
    const { sink, heard } = await open(`
      process.stdin.on('data', () => { process.stdin.pause(); setTimeout(() => process.stdin.resume(), 2) }); ${echo}`)
    const values = Array.from({ length: 500 }, (_, id) => ({ id, text: 'x'.repeat(2_000) }))
    await sink.write(batchOf(values))
    expect(heard().filter(({ type }) => type === 'RECORD')).toHaveLength(500)
  })

  it('is told the end of its input when it is closed, and may finish', async () => {
    const { sink, heard } = await open(`${echo}; ended = () => setTimeout(() => hear('"finished"'), 50)`)
    await sink.write(batchOf([{ id: 1 }]))
    await sink.close?.()
    expect(heard().at(-1)).toBe('finished')
  })
})

describe('the contract of sinks', () => {
  const file = programs.path('contract')
  const program = programs.write(
    'contract',
    `${reading.replace('process.argv[2]', "'/dev/null'")}
     let rows = ''
     function each({ type, record, value }) {
       if (type === 'RECORD') rows += record.n + '\\n'
       if (type !== 'STATE') return
       fs.appendFileSync(${JSON.stringify(file)}, rows)
       rows = ''
       out(value)
     }`,
  )
  const rows = (): string[] => (textOf(file) ?? '').split('\n')
  const checks = sinkContract<any>({
    connector: () => singerSink(program),
    value: (n) => ({ n }),
    count: ({ n }) => rows().filter((row) => row === String(n)).length,
    refused: [],
  })
  it.each(checks)('$name', ({ run }) => expect(run()).resolves.toBeUndefined())
})

describe('records that no message can hold', () => {
  it.each([
    ['text', 'abc', {}, /holds an object/],
    ['a list', [1], {}, /holds an object/],
    ['bytes', Buffer.from('a'), {}, /holds an object/],
    ['a Map', { a: new Map() }, {}, /'a' is a Map/],
    ['NaN', { a: [Number.NaN] }, {}, /'0' is NaN/],
    ['a function', { a: () => 1 }, {}, /'a' is a function/],
    [
      'what its mapping throws',
      { a: 1 },
      {
        value: () => {
          throw new Error('no thanks')
        },
      },
      /no thanks/,
    ],
    ['a tombstone', null, {}, /a tombstone: set/],
    [
      'a tombstone of a key that is no number',
      null,
      { tombstones: 'deleted-at', keyProperties: ['id'], schema: { properties: { id: { type: 'integer' } } } },
      /not the number/,
    ],
  ])('are refused, and nothing is sent: %s', async (_what, value, options, reason) => {
    const { sink, heard } = await open(echo, options as never)
    const batch = {
      ...batchOf([{ id: 1 }]),
      records: [recordOf({ id: 1 }, 0), recordOf(value, 1, value === null ? 'x' : '1')],
      nextOffset: 2,
    }
    const refused = await sink.write(batch).catch((error: unknown) => error)
    expect(refused).toBeInstanceOf(SinkRefused)
    expect((refused as SinkRefused).records.get(1)).toMatch(reason)
    expect(heard()).toEqual([])
  })
})

describe('tombstones', () => {
  it('are left out when told so', async () => {
    const { sink, heard } = await open(echo, { tombstones: 'skip' })
    await sink.write(batchOf([null]))
    expect(heard().map(({ type }) => type)).toEqual(['SCHEMA', 'STATE'])
  })

  it('become records with the time of the deletion', async () => {
    const schema = {
      type: 'object',
      properties: { id: { type: ['null', 'integer'] }, name: { type: 'string' } },
      required: ['id', 'name'],
    }
    const { sink, heard } = await open(echo, { tombstones: 'deleted-at', keyProperties: ['id'], schema })
    await sink.write({ ...batchOf([null]), records: [recordOf(null, 0, '42')] })
    const [told, record] = heard()
    expect(told.schema).toMatchObject({ required: ['id'], properties: { _sdc_deleted_at: {} } })
    expect(record.record).toEqual({ id: 42, _sdc_deleted_at: '2026-01-02T00:00:00.000Z' })
  })
})

describe('a program that fails', () => {
  it.each([
    [
      'ends with a code',
      `function each() { console.error('disk full'); process.exit(4) }`,
      {},
      /ended with code 4 \(it said: disk full\)/,
    ],
    ['ends as it should, too early', `function each() { process.exit(0) }`, {}, /ended with code 0/],
    [
      'does not acknowledge',
      `function each() {}`,
      { ackTimeout: 200 },
      /not acknowledged rows\[3\] up to 1 within 200 ms/,
    ],
    [
      'does not read',
      `process.stdin.pause(); function each() {}; forever()`,
      { ackTimeout: 300, values: 5_000 },
      /not acknowledged/,
    ],
    ['prints text', `function each() { raw('hello\\n') }`, {}, /acknowledges nothing that was sent: "hello"/],
    [
      'prints its config',
      `function each() { out(given('--config')) }`,
      { config: { password: 'canary1' } },
      /acknowledges nothing that was sent: "\{\\"password\\":\\"\*\*\*\\"\}"/,
    ],
    ['prints JSON', `function each() { out({ bookmarks: {} }) }`, {}, /acknowledges nothing that was sent/],
    [
      'acknowledges more than there was',
      `function each() { out({ topic: 'rows', partition: 3, nextOffset: 99, batch: 9 }) }`,
      {},
      /acknowledges nothing that was sent/,
    ],
    [
      'acknowledges another partition',
      `function each() { out({ topic: 'rows', partition: 4, nextOffset: 1, batch: 1 }) }`,
      {},
      /acknowledges nothing that was sent/,
    ],
    [
      'never ends its line',
      `function each() { for (;;) raw('x'.repeat(9_999)) }`,
      { maxLineBytes: 50_000 },
      /more than 50000 bytes/,
    ],
    ['is not there', '', { command: 'no-such-target' }, /there is no such command/],
    [
      'acknowledges at the end and then fails',
      `let v; function each(m) { v = m.value }; ended = () => { out(v); process.exit(1) }`,
      { acknowledges: 'at-end' },
      /ended with code 1/,
    ],
    ['says nothing at the end', `function each() {}`, { acknowledges: 'at-end' }, /ended with code 0/],
  ])(
    'makes the write reject, and is gone: one that %s',
    async (_what, source, { values = 1, ...options }: any, message) => {
      const { sink } = await open(`fs.writeFileSync(heard + '.pid', String(process.pid)); ${source}`, options)
      const batch = batchOf(Array.from({ length: values }, () => ({ text: 'x'.repeat(500) })))
      await expect(sink.write(batch)).rejects.toThrow(message)
      const pid = textOf(programs.path(`heard-${count - 1}.pid`))
      expect(pid !== undefined && isAlive(Number(pid))).toBe(false)
    },
  )

  it('is replaced by a new one, which hears the schema and the batch again', async () => {
    const { sink, heard } = await open(`
      function each(message) { if (message.type !== 'STATE') return
        if (!fs.existsSync(heard + '.tried')) { fs.writeFileSync(heard + '.tried', ''); process.kill(process.pid, 'SIGKILL') }
        out(message.value) }`)
    const batch = batchOf([{ id: 1 }])
    await expect(sink.write(batch)).rejects.toThrow(/SIGKILL/)
    await sink.write(batch)
    expect(heard().map(({ type }) => type)).toEqual(['SCHEMA', 'RECORD', 'STATE', 'SCHEMA', 'RECORD', 'STATE'])
  })

  it('while nothing is to be written is replaced before the next batch', async () => {
    const { sink, heard } = await open(`${echo}; fs.writeFileSync(heard + '.pid', String(process.pid))`)
    await sink.write(batchOf([{ id: 1 }]))
    const pid = Number(textOf(programs.path(`heard-${count - 1}.pid`)))
    process.kill(pid, 'SIGKILL')
    await until('it has ended', () => !isAlive(pid))
    await sink.write(batchOf([{ id: 2 }], 1)).catch(() => sink.write(batchOf([{ id: 2 }], 1)))
    expect(heard().map(({ type }) => type)).toEqual(['SCHEMA', 'RECORD', 'STATE', 'SCHEMA', 'RECORD', 'STATE'])
  })

  it('that does not acknowledge does not hold up who closes', async () => {
    const { sink, heard, abort } = await open(`function each() {}`)
    const writing = sink.write(batchOf([{ id: 1 }])).catch((error: unknown) => String(error))
    await until('it has been written', () => heard().length === 3)
    abort()
    expect(await writing).toMatch(/was stopped/)
  })
})

describe('options', () => {
  it.each([
    [{ command: 'a', schema: 5 }, /schema is/],
    [{ command: 'a', schema: { '~standard': { validate: () => 1 } } }, /zod from 4.2 on/],
    [{ command: 'a', keyProperties: [1] }, /keyProperties is/],
    [{ command: 'a', tombstones: 'deleted-at' }, /give one name as keyProperties/],
    [{ command: 'a', ackTimeout: 0 }, /ackTimeout is/],
    [{ command: 'a', schema: z.map(z.string(), z.string()) }, /has no JSON Schema/],
  ])('that cannot be used are refused: %#', (options, message) => {
    expect(() => singerSink(options as never)).toThrow(message)
  })
})
