import fc from 'fast-check'
import {
  avro,
  bytes,
  connectKey,
  createApp,
  double,
  hopping,
  integer,
  long,
  lookup,
  memoryLog,
  stateObject,
  text,
  topic,
  tumbling,
  type KeyCodec,
} from 'millrace'
import { testDriver, type TestDriver } from 'millrace/testing'
import { z } from 'zod'
import { keyFormat } from '../../lib/codec/keys.js'

const state = z.object({ seen: z.array(z.string()) })
const init = (): z.infer<typeof state> => ({ seen: [] })
const letters = topic('test-dlq', text(), { key: bytes() })

/** A codec, keys as text, and two that are one in U+FFFD. */
const codecs: readonly (readonly [string, KeyCodec, readonly string[]])[] = [
  ['longs', long(), ['200', '201', '-1', '0', '9007199254740991']],
  ['longs as bigints', long({ as: 'bigint' }), ['200', '201', '9223372036854775807', '-9223372036854775808']],
  ['integers', integer(), ['200', '201', '-2147483648']],
  ['doubles', double(), ['0.1', '200', '1e+300', '-0.5']],
  ['bytes', bytes(), ['', 'c8', 'c9', '00', 'ffff', '0102030405']],
  ['structs of a text', connectKey({ a: z.string() }), ['', 'a', 'ä', '😀', '�', '__proto__', '"']],
  ['structs of a number', connectKey({ a: z.bigint() }), ['0', '-1', '9223372036854775807']],
  ['structs', connectKey({ a: z.string(), b: z.int32() }), ['["",0]', '["a",-1]', '["__proto__",5]', '["\\"",5]']],
  ['text', text(), ['', 'a', 'ä', '😀', '�', '__proto__']],
]

describe.each(codecs)('keys that are %s', (_, key, keys) => {
  const source = topic('source', text(), { key })
  const copies = topic('copies', text(), { key })
  const marked = topic('marked', text(), { key })
  const emitted = topic('emitted', text(), { key })
  const rows = topic('rows', text(), { key })
  const names = topic('names', text(), { key })
  const table = lookup(names)

  it('are text to handlers, and the same bytes everywhere', async () => {
    const kind = stateObject('kind', { state, init })
      .on(
        source,
        (_value, record) => record.key,
        (own, value, turn) => {
          own.seen.push(`${turn.key}=${value}=${turn.record.key}=${turn.lookup(table, turn.key) ?? 'none'}`)
          turn.emit(emitted, value)
        },
      )
      .publish(rows, ({ seen }) => seen.join())
    const flows = [source.to(copies), source.to(marked, { key: (_value, record) => record.key })]
    await using driver = testDriver({ failures: 'expect', objects: [kind], flows, lookups: [table], partitions: 4 })
    for (const each of keys) await driver.send(names, `name of ${each}`, { key: each })
    for (const each of keys) await driver.send(source, each, { key: each })
    await driver.crash()
    for (const each of keys) {
      expect(driver.state(kind, each)).toEqual({ seen: [`${each}=${each}=${each}=name of ${each}`] })
      for (const target of [copies, marked, emitted]) expect(of(driver, target, each)).toEqual([each])
      expect(of(driver, rows, each)).toHaveLength(1)
    }
  })

  it('are the same in a turn that is tried again, and in its dead letter', async () => {
    const kind = stateObject('kind', { state, init }).on(
      source,
      { key: (_value, record) => record.key, onError: { attempts: 2, backoff: '1s' } },
      (own, value, turn) => {
        if (value === 'bad') throw new Error(`with ${turn.record.key}`)
        own.seen.push(value)
      },
    )
    await using driver = testDriver({ failures: 'expect', objects: [kind], partitions: 4 })
    for (const each of keys) await driver.send(source, 'bad', { key: each })
    await driver.advance('10s')
    const found = driver
      .output(letters)
      .map(({ key: letter, headers }) => [letter, Buffer.from(headers.get('millrace.error.message') ?? []).toString()])
    const expected = keys.map((each) => Buffer.from(keyFormat(key).bytes(each) as Buffer).toString('hex'))
    expect(found.map(([letter]) => letter).sort()).toEqual(expected.sort())
    for (const each of keys) expect(found.some(([, message]) => message?.includes(`with ${each})`))).toBe(true)
  })
})

function of(driver: TestDriver, target: Parameters<TestDriver['output']>[0], key: string): unknown[] {
  return driver
    .output(target)
    .filter((record) => record.key === key)
    .map(({ value }) => value)
}

describe('keys that are not what they should be', () => {
  const longs = topic('longs', text(), { key: long() })
  const plain = topic('plain', text())
  const binary = topic('plain', text(), { key: bytes() })
  const codes = (driver: TestDriver): string[] =>
    driver.output(letters).map(({ headers }) => Buffer.from(headers.get('millrace.error.code') ?? []).toString())

  it.each(['five', '1.5', '', '99999999999999999999', '0x10', ' 1', '1e3'])(
    'are refused where a topic has longs: %j',
    async (key) => {
      const kind = stateObject('kind', { state, init }).on(
        plain,
        { key: () => 'all', onError: { attempts: 1 } },
        (own, value, turn) => {
          own.seen.push(value)
          if (value === 'bad') turn.emit(longs, value, { key })
        },
      )
      await using driver = testDriver({
        failures: 'expect',
        objects: [kind],
        flows: [plain.filter((v) => v === 'flow').to(longs, { key: () => key })],
      })
      for (const value of ['flow', 'bad']) await driver.send(plain, value)
      expect(codes(driver)).toEqual(['RECORD_INVALID', 'RECORD_INVALID'])
      expect(driver.output(longs)).toEqual([])
      await expect(driver.send(longs, 'a', { key })).rejects.toMatchObject({ code: 'RECORD_INVALID' })
    },
  )

  it('are an error where they are looked at and no text, and not before', async () => {
    const kind = stateObject('kind', { state, init }).on(
      plain,
      { key: (value) => value, onError: { attempts: 1 } },
      (own, value, turn) => {
        own.seen.push(value)
        if (value === 'look') own.seen.push(String(turn.record.key))
      },
    )
    const byKey = stateObject('byKey', { state, init }).on(
      plain.filter((value) => value === 'extract'),
      (_value, record) => record.key,
      (own, value) => void own.seen.push(value),
    )
    const copies = topic('copies', text(), { key: bytes() })
    await using driver = testDriver({
      failures: 'expect',
      objects: [kind, byKey],
      flows: [plain.to(copies)],
      partitions: 1,
    })
    for (const value of ['do not', 'look', 'extract']) await driver.send(binary, value, { key: 'c8' })
    for (const value of ['do not', 'extract']) expect(driver.state(kind, value)).toEqual({ seen: [value] })
    expect(codes(driver).sort()).toEqual(['STEP_FAILED', 'VALUE_INVALID'])
    expect(driver.output(copies).map(({ key }) => key)).toEqual(['c8', 'c8', 'c8'])
    expect(driver.output(letters).map(({ key }) => key)).toEqual(['c8', 'c8'])
  })
})

describe('topics whose keys cannot be what would be written', () => {
  const plain = topic('plain', text())
  const windows = { tumbling: tumbling('1m'), hopping: hopping('1m', { every: '30s' }) }
  const digits = { integer: integer(), long: long(), bigint: long({ as: 'bigint' }), double: double(), bytes: bytes() }
  const cases = Object.entries(windows).flatMap(([window, each]) =>
    Object.entries(digits).map(([of, key]) => [window, of, each, key] as const),
  )

  it.each(cases)('refuse the rows of a kind with %s windows where they are of %s', (_window, _of, window, key) => {
    const kind = stateObject('kind', { state, init, window })
    const rows = topic('rows', text(), { key: key as KeyCodec })
    expect(() => kind.publish(rows, ({ seen }) => seen.join())).toThrow(
      expect.objectContaining({
        code: 'DEFINITION_INVALID',
        message: expect.stringMatching(/publish to rows: .*'<key>\|<start>\|<end>', and the keys of this topic are of/),
      }),
    )
  })

  it('take the rows of a windowed kind where they are text in a form of their own', async () => {
    const rows = topic('rows', text(), { key: avro(z.string()) })
    const kind = stateObject('kind', { state, init, window: tumbling('1m') })
      .on(
        plain,
        (value) => value,
        (own, value) => void own.seen.push(value),
      )
      .publish(rows, ({ seen }) => seen.join())
    await using driver = testDriver({ objects: [kind] })
    await driver.send(plain, 'a', { timestamp: 60_000 })
    expect(driver.output(rows).map(({ key }) => key)).toEqual(['a|60000|120000'])
  })

  it('refuse a flow from keys of another format, unless it has a key function', () => {
    const from = topic('from', text(), { key: long() })
    const into = topic('into', text(), { key: double() })
    const app = (key?: () => string) => () =>
      createApp({ id: 'x', log: memoryLog(), flows: [plain.merge(from).to(into, key && { key })] })
    expect(app()).toThrow(
      expect.objectContaining({
        code: 'DEFINITION_INVALID',
        message: expect.stringContaining('the flow from from to into hands on keys of format long'),
      }),
    )
    expect(app(() => '1')).not.toThrow()
  })

  it('make a dead letter of a record whose key a flow hands on', async () => {
    const into = topic('into', text(), { key: long() })
    await using driver = testDriver({ failures: 'expect', flows: [plain.to(into)] })
    await driver.send(plain, 'a', { key: 'no long' })
    await driver.send(topic('plain', text(), { key: long() }), 'b', { key: '7' })
    await driver.send(plain, 'c')
    expect(
      driver
        .output(into)
        .map(({ key, value }) => `${key} ${value}`)
        .sort(),
    ).toEqual(['7 b', 'null c'])
    const [letter, ...more] = driver.output(letters)
    expect(more).toEqual([])
    expect(Buffer.from(letter!.headers.get('millrace.error.code')!).toString()).toBe('RECORD_INVALID')
  })
})

it('never gives two texts one key, nor one text two', () => {
  fc.assert(
    fc.property(fc.constantFrom(...codecs), fc.uint8Array({ minLength: 0, maxLength: 12 }), ([, codec], raw) => {
      const format = keyFormat(codec)
      const at = Buffer.from(raw)
      let read: string
      try {
        read = format.text(at, 0, at.length)
      } catch {
        return
      }
      // NaN has many forms in bits, and -0 reads as 0.
      if (read === 'NaN' || (codec.format === 'double' && read === '0')) return
      expect(Buffer.from(format.bytes(read) as Buffer).toString('hex')).toBe(at.toString('hex'))
    }),
    { numRuns: 2_000 },
  )
})
