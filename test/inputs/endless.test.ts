import {
  bytes,
  stateObject,
  text,
  topic,
  tumbling,
  type AnyStateObject,
  type Flow,
  type Stream,
  type Turn,
} from 'millrace'
import { testDriver, type TestDriver } from 'millrace/testing'
import { z } from 'zod'

const lines = topic('lines', text())
const out = topic('out', text())
const letters = topic('test-dlq', bytes())
const long = 'x'.repeat(500_000)

let closed = 0
beforeEach(() => (closed = 0))

function* endless(of: (index: number) => string): Generator<string> {
  try {
    for (let index = 0; ; index++) yield of(index)
  } finally {
    closed++
  }
}

/** Without `return`, and counted as closed by nobody. */
const iterator: Iterable<string> = {
  [Symbol.iterator]: () => ({ next: () => ({ done: false, value: 'x' }) }),
}

const values = (bad: () => Iterable<string>): Stream<string> =>
  lines.flatMap((line) => (line === 'bad' ? bad() : [line]))

/** Streams that give no end of values for `bad`, and how often a generator is closed. */
const streams: readonly (readonly [string, Stream<string>, number])[] = [
  ['a generator', values(() => endless((index) => `x${index}`)), 1],
  ['an iterator that cannot be closed', values(() => iterator), 0],
  ['a generator of long texts', values(() => endless((index) => `${index}${long}`)), 1],
  ['a generator of which nothing is left', values(() => endless(() => '')).filter((each) => each !== ''), 1],
  ['a list that is too long', values(() => new Array<string>(100_001).fill('x')), 0],
  [
    'lists of lists',
    values(() => new Array<string>(400).fill('y')).flatMap((each) =>
      each === 'y' ? new Array<string>(400).fill('x') : [each],
    ),
    0,
  ],
  [
    'a generator behind a list',
    values(() => ['y', 'y']).flatMap((each) => (each === 'y' ? endless(String) : [each])),
    1,
  ],
]

interface Program {
  readonly objects?: readonly AnyStateObject[]
  readonly flows?: readonly Flow[]
}

const state = z.object({ count: z.number() })
const counter = stateObject('counter', { state, init: () => ({ count: 0 }) })
const windowed = stateObject('counter', { state, init: () => ({ count: 0 }), window: tumbling('1m') })
const count = (own: { count: number }): void => void own.count++

const takers: readonly (readonly [string, (stream: Stream<string>) => Program])[] = [
  ['a flow', (stream) => ({ flows: [stream.to(out)] })],
  ['objects of this partition', (stream) => ({ objects: [counter.on(stream, (_each, { key }) => key, count)] })],
  ['objects anywhere', (stream) => ({ objects: [counter.on(stream, (each) => each.slice(0, 20), count)] })],
  ['windows', (stream) => ({ objects: [windowed.on(stream, (_each, { key }) => key, count)] })],
]

const codes = (driver: TestDriver): string[] =>
  driver.output(letters).map(({ headers }) => Buffer.from(headers.get('millrace.error.code') ?? []).toString())

const cases = streams.map(([what, stream, closes], index) => ({
  what,
  stream,
  closes,
  takers: index < 3 ? takers : takers.slice(0, 1),
}))

describe.each(cases)('a flatMap that gives $what', ({ stream, closes, takers }) => {
  it.each(takers)('makes a dead letter of its record, for %s', async (_where, program) => {
    await using driver = testDriver({ failures: 'expect', ...program(stream), partitions: 2 })
    for (const line of ['a', 'bad', 'b']) await driver.send(lines, line, { key: line })
    expect(codes(driver)).toEqual(['STEP_FAILED'])
    expect(closed).toBe(closes)
    const after = driver.stats()
    expect(after.refused).toBe(1)
    await driver.crash()
    await driver.send(lines, 'a', { key: 'a' })
    expect(codes(driver)).toEqual(['STEP_FAILED'])
  })
})

describe('a flatMap that gives much', () => {
  it('may give a hundred thousand values', async () => {
    const many = values(() => new Array<string>(100_000).fill('x'))
    const counting = counter.on(many, () => 'all', count)
    await using driver = testDriver({ objects: [counting] })
    await driver.send(lines, 'bad')
    expect(codes(driver)).toEqual([])
    expect(driver.state(counting, 'all')).toEqual({ count: 100_000 })
  })

  it('may give the same large value in each', async () => {
    const record = { text: long, list: [{ long }] }
    const many = lines.flatMap(() => Array.from({ length: 2_000 }, (_, index) => ({ ...record, index })))
    await using driver = testDriver({ objects: [counter.on(many, () => 'all', count)] })
    await driver.send(lines, 'a')
    expect(codes(driver)).toEqual([])
  })

  it('may not have a flow write it without bound', async () => {
    const many = lines.flatMap(() => new Array<string>(200).fill(long))
    await using driver = testDriver({ failures: 'expect', flows: [many.to(out)] })
    await driver.send(lines, 'a')
    expect(codes(driver)).toEqual(['STEP_FAILED'])
    expect(driver.output(out)).toEqual([])
  })
})

type Own = Turn<{ due: string }>
const turns: readonly (readonly [string, (turn: Own) => void, RegExp])[] = [
  ['records', (turn) => turn.emit(out, ''), /turn\.emit to out: that is more than 100000 records of one turn/],
  ['long records', (turn) => turn.emit(out, long), /turn\.emit to out: that is more than 64 MiB of one turn/],
  [
    'long headers',
    (turn) => turn.emit(out, '', { headers: { long } }),
    /turn\.emit to out: that is more than 64 MiB of one turn/,
  ],
  ['timers', (turn) => turn.timer('due', '1h', ''), /turn\.timer\('due'\): that is more than 100000 times/],
  ['timers taken back', (turn) => turn.cancel('due'), /that is more than 100000 times/],
]

describe.each(turns)('a turn that gives no end of %s', (_what, give, message) => {
  it.each([false, true])('is one that has failed (async: %p)', async (isAsync) => {
    const own = counter
      .timers({ due: z.string() })
      .on(lines, { key: (line) => line, onError: { attempts: 1 } }, (object, line, turn) => {
        object.count++
        const act = (): void => {
          for (let n = 0; line === 'bad' || n < 10; n++) give(turn)
        }
        return isAsync ? Promise.resolve().then(act) : act()
      })
      .onTimer('due', () => undefined)
    await using driver = testDriver({ failures: 'expect', objects: [own], partitions: 1 })
    for (const line of ['a', 'bad', 'b']) await driver.send(lines, line, { key: line })
    const [letter, ...more] = driver.deadLetters()
    expect(more).toEqual([])
    expect(letter).toMatchObject({ value: 'bad', code: 'HANDLER_FAILED' })
    expect(letter?.message).toMatch(message)
    expect(['a', 'bad', 'b'].map((key) => driver.state(own, key)?.count)).toEqual([1, undefined, 1])
    expect(driver.output(out).every(({ key }) => key !== 'bad')).toBe(true)
  })
})
