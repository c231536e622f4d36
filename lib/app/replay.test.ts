import { z } from 'zod'
import { appendRaw, readRaw } from '../../test/raw-records.js'
import { text } from '../codec/codec.js'
import { silentLogger, type Logger } from '../core/logger.js'
import { stateObject } from '../model/state-object.js'
import { topic } from '../model/stream.js'
import { Driver } from '../testing/driver.js'
import type { LetterFilter } from './replaying/letters.js'

const order = z.object({ id: z.string(), n: z.number() })
const orders = topic('orders', order)
const done = topic('done', order)
const raw = topic('orders', text())

const start = Date.UTC(2026, 0, 1)

function program(bad: ReadonlySet<number>, isAsync = false) {
  return stateObject('order', { state: z.object({ seen: z.number() }), init: () => ({ seen: 0 }) })
    .timers({ due: z.number() })
    .on(orders, { key: ({ id }) => id, onError: { attempts: 1 } }, (state, { id, n }, turn) => {
      const act = (): void => {
        state.seen++
        if (bad.has(n)) throw new Error(`cannot do ${n}`)
        if (n < 0) turn.timer('due', '1s', n)
        else turn.emit(done, { id, n })
      }
      return isAsync ? Promise.resolve().then(act) : act()
    })
    .onTimer('due', (_state, n) => {
      if (bad.has(n * 10)) throw new Error(`timer ${n}`)
    })
}

const driverOf = (bad: ReadonlySet<number>, more: object = {}): Driver =>
  new Driver({ objects: [program(bad)], failures: 'expect', now: start, partitions: 2, ...more })
const numbers = (driver: Driver, id = 'a'): number[] =>
  driver.output(done).flatMap(({ value }) => (value?.id === id ? [value.n] : []))
async function send(driver: Driver, id: string, ...values: number[]): Promise<void> {
  for (const n of values) await driver.send(orders, { id, n }, { key: id })
}

describe.each([false, true])('letters that are sent again (async: %p)', (isAsync) => {
  const copied = async (driver: Driver, name: string): Promise<void> => {
    for (const { partition, ...record } of await readRaw(driver.log, name))
      await appendRaw(driver.log, name, partition, [record])
    await driver.advance('1ms')
  }

  it.each(['test-order-inbox', 'test-dlq'])('by a tool that copies %s have their turn once', async (name) => {
    const bad = new Set([1])
    await using driver = driverOf(bad, { objects: [program(bad, isAsync)] })
    await send(driver, 'a', 1, 2, 3)
    await copied(driver, name)
    bad.clear()
    await driver.replayDeadLetters()
    await copied(driver, name)
    await driver.crash()
    await driver.replayDeadLetters()
    bad.add(4)
    await send(driver, 'a', 4, 5)
    // They have the numbers of these, and are not they.
    await copied(driver, name)
    await driver.replayDeadLetters()
    bad.clear()
    await driver.replayDeadLetters({ only: {} })
    expect(numbers(driver)).toEqual([1, 2, 3, 4, 5])
    expect(await driver.quarantined()).toEqual([])
  })

  it('by a replay of those that have had it already have it once', async () => {
    const bad = new Set([1])
    await using driver = driverOf(bad, { objects: [program(bad, isAsync)] })
    await send(driver, 'a', 1, 2, 3)
    bad.clear()
    const only = { code: 'HANDLER_FAILED' }
    for (let times = 0; times < 3; times++)
      expect(await driver.replayDeadLetters({ only })).toMatchObject({ replayed: 1 })
    await copied(driver, 'test-order-inbox')
    expect(numbers(driver)).toEqual([1])
    await driver.replayDeadLetters()
    expect(numbers(driver)).toEqual([1, 2, 3])
  })

  it('before those in front of them wait for these', async () => {
    const bad = new Set([1])
    await using driver = driverOf(bad, { objects: [program(bad, isAsync)], partitions: 1 })
    await send(driver, 'a', 1, 2, 3)
    bad.clear()
    await driver.replayDeadLetters()
    const sent = await readRaw(driver.log, 'test-order-inbox')
    bad.add(11)
    await send(driver, 'a', 11, 12)
    const letters = await driver.replayDeadLetters()
    expect(letters.replayed).toBe(2)
    const again = (await readRaw(driver.log, 'test-order-inbox')).slice(sent.length)
    bad.clear()
    await appendRaw(driver.log, 'test-order-inbox', 0, [again[1]!, again[0]!])
    await driver.advance('1ms')
    // The second was not in front of itself; it is still a letter.
    expect(numbers(driver)).toEqual([1, 2, 3, 11])
    await driver.replayDeadLetters()
    expect(numbers(driver)).toEqual([1, 2, 3, 11, 12])
  })
})

describe('a replay', () => {
  it('ends with what was there when it began', async () => {
    const bad = new Set([1])
    await using driver = driverOf(bad, { partitions: 1 })
    await send(driver, 'a', 1, 2)
    bad.clear()
    const edit = async (): Promise<undefined> => {
      const [first] = await readRaw(driver.log, 'test-dlq')
      await appendRaw(driver.log, 'test-dlq', 0, [first!])
    }
    expect(await driver.replayDeadLetters({ edit })).toMatchObject({ replayed: 2 })
    expect(await driver.replayDeadLetters()).toMatchObject({ replayed: 2 })
    expect(numbers(driver)).toEqual([1, 2])
  })

  it('says what is left, one by one, up to a thousand', async () => {
    await using driver = driverOf(new Set(), { partitions: 1 })
    await driver.send(raw, '{', { key: 'x' })
    const report = await driver.replayDeadLetters()
    expect(report).toMatchObject({ replayed: 0, objects: 0, dropped: 0, resent: 0, leftInAll: 1 })
    expect(report.left).toEqual([
      {
        partition: 0,
        offset: 0,
        source: { topic: 'orders', partition: 0, offset: 0 },
        kind: undefined,
        key: undefined,
        letter: undefined,
        code: 'VALUE_INVALID',
        message: expect.stringMatching(/JSON/) as unknown,
        why: expect.stringMatching(/^it has no object to go back to/) as unknown,
      },
    ])
    expect(await driver.replayDeadLetters()).toMatchObject({ left: [], leftInAll: 0 })
    await driver.sendAll(
      raw,
      Array.from({ length: 1_100 }, () => '['),
    )
    const { left, leftInAll } = await driver.replayDeadLetters({ only: {} })
    expect([left.length, leftInAll]).toEqual([1_000, 1_101])
  })

  it.each<[string, LetterFilter, Record<string, number[]>]>([
    ['all', {}, { a: [1, 2, 3], b: [11, 12] }],
    ['a kind', { kind: 'order' }, { a: [1, 2, 3], b: [11, 12] }],
    ['another kind', { kind: 'other' }, {}],
    ['a key', { key: 'b' }, { b: [11, 12] }],
    ['a code, which those that follow do not have', { code: 'HANDLER_FAILED' }, { a: [1], b: [11] }],
    ['a code of one that follows', { code: 'QUARANTINED', key: 'a' }, { a: [1, 2, 3] }],
    ['a time', { from: start + 10_000 }, { a: [1, 2, 3], b: [11, 12] }],
    ['the end of a time', { to: new Date(start + 10_000) }, { a: [1, 2] }],
    ['a time of an object', { from: new Date(start), to: start + 20_000, key: 'b' }, { b: [11] }],
  ])('of %s takes those before them along, and no more', async (_what, only, expected) => {
    const bad = new Set([1, 11])
    await using driver = driverOf(bad)
    await send(driver, 'a', 1, 2)
    await driver.advance('10s')
    await send(driver, 'b', 11)
    await driver.advance('10s')
    await send(driver, 'a', 3)
    await send(driver, 'b', 12)
    bad.clear()
    await driver.replayDeadLetters({ only })
    expect([numbers(driver), numbers(driver, 'b')]).toEqual([expected.a ?? [], expected.b ?? []])
    await driver.crash()
    await driver.replayDeadLetters()
    expect([numbers(driver), numbers(driver, 'b')]).toEqual([
      [1, 2, 3],
      [11, 12],
    ])
    expect(await driver.quarantined()).toEqual([])
  })

  it('of one letter leaves those behind it, and what comes then is behind these', async () => {
    const bad = new Set([1])
    await using driver = driverOf(bad, { partitions: 1 })
    await send(driver, 'a', 1, 2, 3)
    bad.clear()
    const only = { letter: { partition: 0, offset: (await readRaw(driver.log, 'test-dlq'))[1]!.offset } }
    expect(await driver.replayDeadLetters({ only })).toMatchObject({ replayed: 2, objects: 1 })
    await send(driver, 'a', 4)
    expect(numbers(driver)).toEqual([1, 2])
    expect(await driver.quarantined()).toMatchObject([{ key: 'a', letters: 1 }])
    await driver.replayDeadLetters()
    expect(numbers(driver)).toEqual([1, 2, 3, 4])
  })
})

describe('a letter that is dropped', () => {
  const logged: string[] = []
  const log = (_fields: object, message = ''): void => void logged.push(message)
  const logger = { debug: () => undefined, info: log, warn: log, error: () => undefined }
  beforeEach(() => (logged.length = 0))

  it('is not run: its object goes on as if it had been skipped, and the reason is logged', async () => {
    const bad = new Set([2])
    const kind = program(bad)
    await using driver = driverOf(bad, { logger, partitions: 1, objects: [kind] })
    await send(driver, 'a', 1, 2, 3)
    const drop = { code: 'HANDLER_FAILED', reason: 'test data' }
    expect(await driver.replayDeadLetters({ drop })).toMatchObject({ replayed: 0, dropped: 1 })
    expect(logged.filter((line) => line.endsWith(`, letter 1 of order 'a', is dropped: test data`))).toHaveLength(1)
    expect(await driver.quarantined()).toMatchObject([{ letters: 1 }])
    await driver.crash()
    await driver.replayDeadLetters()
    expect(numbers(driver)).toEqual([1, 3])
    expect(await driver.quarantined()).toEqual([])
    await send(driver, 'a', 4)
    expect(driver.state(kind, 'a')).toEqual({ seen: 3 })
  })

  it('has its turn behind those before it, also when these fail again', async () => {
    const bad = new Set([1])
    await using driver = driverOf(bad)
    await send(driver, 'a', 1, 2, 3, 4)
    const [, second] = driver.deadLetters(orders)
    const drop = { from: second!.timestamp, code: 'QUARANTINED', reason: 'no more' }
    expect(await driver.replayDeadLetters({ drop })).toMatchObject({ replayed: 1, dropped: 3 })
    expect(numbers(driver)).toEqual([])
    bad.clear()
    await driver.replayDeadLetters({ drop })
    expect(numbers(driver)).toEqual([1])
    expect(await driver.quarantined()).toEqual([])
  })

  it('of a timer takes the timer with it', async () => {
    const bad = new Set([-10])
    await using driver = driverOf(bad)
    await send(driver, 'a', -1)
    await driver.advance('1s')
    for (let times = 0; times < 20; times++) await driver.advance('1h')
    expect(driver.deadLetters().map(({ code }) => code)).toEqual(['HANDLER_FAILED'])
    expect(await driver.replayDeadLetters({ drop: { key: 'a', reason: 'late' } })).toMatchObject({ dropped: 1 })
    expect(await driver.quarantined()).toEqual([])
    await driver.advance('1d')
    expect(driver.deadLetters()).toHaveLength(1)
    expect(await readRaw(driver.log, 'test-timers').then((rows) => rows.at(-1)?.value)).toBeNull()
  })

  it('and has no object is not left again', async () => {
    await using driver = driverOf(new Set(), { logger })
    await driver.send(raw, '{')
    const drop = { code: 'VALUE_INVALID', reason: 'not ours' }
    expect(await driver.replayDeadLetters({ drop })).toMatchObject({ dropped: 1, left: [] })
    expect(await driver.replayDeadLetters({ drop })).toMatchObject({ dropped: 0, left: [] })
    expect(await driver.replayDeadLetters({ only: {} })).toMatchObject({ left: [] })
    expect(driver.deadLetters()).toHaveLength(1)
  })
})

describe('a letter that is edited', () => {
  it('goes to its object in its place, with the new record', async () => {
    const bad = new Set([1])
    await using driver = driverOf(bad)
    await send(driver, 'a', 1, 2)
    const edit = ({
      record,
      kind,
      key,
      letter,
      code,
    }: {
      record: { value: Uint8Array | null }
      kind?: string | undefined
      key?: string | undefined
      letter?: number | undefined
      code?: string | undefined
    }) => {
      if (code !== 'HANDLER_FAILED') return undefined
      expect([kind, key, letter]).toEqual(['order', 'a', 1])
      return { value: Buffer.from(record.value!).toString().replace('"n":1', '"n":7') }
    }
    expect(await driver.replayDeadLetters({ edit })).toMatchObject({ replayed: 2 })
    expect(numbers(driver)).toEqual([7, 2])
    expect(await driver.quarantined()).toEqual([])
  })

  it('is done when the new record has had its turn, and not when that fails', async () => {
    const bad = new Set([1, 7])
    await using driver = driverOf(bad)
    await send(driver, 'a', 1, 2)
    const edited =
      (n: number) =>
      ({ letter }: { letter?: number | undefined }) =>
        letter === 1 ? { value: JSON.stringify({ id: 'a', n }) } : undefined
    await driver.replayDeadLetters({ edit: edited(7) })
    expect(numbers(driver)).toEqual([])
    expect(await driver.quarantined()).toMatchObject([{ letters: 2 }])
    await driver.replayDeadLetters({ edit: edited(8) })
    expect(numbers(driver)).toEqual([8, 2])
  })

  it('goes to its topic again when it has no object, once', async () => {
    await using driver = driverOf(new Set())
    await driver.send(raw, '{"id":"a"', { key: 'a', headers: { trace: 't' } })
    const edit = ({ record }: { record: { value: Uint8Array | null; headers: ReadonlyMap<string, unknown> } }) => {
      expect([...record.headers.keys()]).toEqual(['trace'])
      return { value: `${Buffer.from(record.value!).toString()},"n":5}` }
    }
    expect(await driver.replayDeadLetters({ edit })).toMatchObject({ resent: 1, left: [] })
    expect(numbers(driver)).toEqual([5])
    expect(await driver.replayDeadLetters({ only: {}, edit })).toMatchObject({ resent: 0, left: [] })
    const found = await readRaw(driver.log, 'orders')
    expect(new Set(found.map(({ partition }) => partition)).size).toBe(1)
    expect(found.at(-1)!.headers.map(([name]) => Buffer.from(name).toString())).toEqual(['trace'])
  })

  it.each([
    ['text', 'x', /edit gave text/],
    ['null', null, /edit gave null/],
    ['a number', 7, /edit gave a number/],
    ['a value that is an object', { value: { n: 1 } }, /value is an object; give bytes/],
    ['half a surrogate', { value: '\ud800' }, /value is .*give bytes/],
    ['a number for a key', { key: 1 }, /key is a number/],
    ['something else', { offset: 3 }, /no option 'offset'/],
    ['headers of numbers', { headers: { a: 1 } }, /header 'a' is a number/],
    ['a Map that was lost', { headers: new Set() }, /headers are an object/],
  ])('is checked: %s', async (_what, given, message) => {
    const bad = new Set([1])
    await using driver = driverOf(bad)
    await send(driver, 'a', 1)
    bad.clear()
    await expect(driver.replayDeadLetters({ edit: () => given as never })).rejects.toThrow(message)
    await expect(driver.replayDeadLetters({ edit: () => Promise.reject(new Error('own')) })).rejects.toThrow('own')
    expect(numbers(driver)).toEqual([])
    expect(await driver.replayDeadLetters()).toMatchObject({ replayed: 1 })
    expect(numbers(driver)).toEqual([1])
  })
})

describe('a replay that', () => {
  const heard = (): { readonly warned: string[]; readonly logger: Logger } => {
    const warned: string[] = []
    const logger = { ...silentLogger, warn: (_fields: object, message: string) => void warned.push(message) }
    return { warned, logger: logger as Logger }
  }

  it('asks for letters that there are not says so', async () => {
    const { warned, logger } = heard()
    const bad = new Set([1])
    await using driver = driverOf(bad, { logger })
    await send(driver, 'a', 1)
    const before = warned.length
    await driver.replayDeadLetters({ only: { key: 'b', from: new Date(5) }, drop: { key: 'c', reason: 'none' } })
    expect(warned.slice(before)).toEqual([
      expect.stringMatching(/none of the dead letters in test-dlq is one that 'only' asks for, .*"key":"b".*1970/),
      expect.stringMatching(/'drop' asks for, .*"key":"c"/),
    ])
    bad.clear()
    const found = warned.length
    expect(await driver.replayDeadLetters({ only: { key: 'a' } })).toMatchObject({ replayed: 1 })
    // They are there, and have had their turns.
    await driver.replayDeadLetters({ only: {} })
    await driver.replayDeadLetters()
    expect(warned.slice(found)).toEqual([])
  })

  it.each([
    ['throws', (): never => refuse(new Error('no idea'))],
    ['rejects', () => Promise.reject(new Error('no idea'))],
    ['throws an object', (): never => refuse({ no: 'idea' })],
  ])('is given an edit that %s says for which letter', async (_how, edit) => {
    const bad = new Set([2])
    await using driver = driverOf(bad, { partitions: 1 })
    await send(driver, 'a', 1, 2)
    await expect(driver.replayDeadLetters({ edit })).rejects.toMatchObject({
      code: 'STEP_FAILED',
      topic: 'orders',
      partition: 0,
      offset: 1,
      kind: 'order',
      key: 'a',
      message: expect.stringMatching(/test-dlq\[0\]@0, letter 1 of order 'a', edit threw \(.*no.*idea/) as unknown,
    })
    bad.clear()
    expect(await driver.replayDeadLetters()).toMatchObject({ replayed: 1 })
  })
})

function refuse(thrown: unknown): never {
  throw thrown
}

it.each<[string, object, RegExp]>([
  ['a filter that is text', { only: 'order' }, /only is text/],
  ['one that there is not', { only: { kinds: 'order' } }, /no option 'kinds'/],
  ['an empty kind', { only: { kind: '' } }, /kind is text \(""\)/],
  ['a number for a key', { only: { key: 7 } }, /key is a number/],
  ['no time', { only: { from: NaN } }, /from is a number \(NaN\)/],
  ['text for a time', { only: { to: '2026-01-01' } }, /to is text/],
  ['a Date that is none', { only: { to: new Date(NaN) } }, /to is an object/],
  ['a time too far away', { only: { from: 9e15 } }, /from is a number/],
  ['a letter without an offset', { only: { letter: { partition: 0 } } }, /only.letter: offset is missing/],
  ['half an offset', { only: { letter: { partition: 0, offset: 1.5 } } }, /offset is a number \(1.5\)/],
  ['a prototype for a filter', { only: JSON.parse('{"__proto__":1}') as object }, /no option '__proto__'/],
  ['a drop without a reason', { drop: { key: 'a' } }, /drop: reason is missing/],
  ['an empty reason', { drop: { key: 'a', reason: '' } }, /reason is text/],
  ['a drop of anything', { drop: { reason: 'why' } }, /not which letters/],
  ['null', { drop: null }, /drop is null/],
  ['no function', { edit: 'x' }, /edit is text/],
])('a replay refuses %s', async (_what, options, message) => {
  await using driver = driverOf(new Set())
  const replayed = async (): Promise<unknown> => await driver.replayDeadLetters(options as never)
  await expect(replayed()).rejects.toMatchObject({
    code: 'OPTIONS_INVALID',
    message: expect.stringMatching(message) as unknown,
  })
})
