import { runInNewContext } from 'node:vm'
import {
  bytes,
  json,
  long,
  MillraceError,
  session,
  stateObject,
  text,
  topic,
  type AnyStateObject,
  type Codec,
  type Flow,
} from 'millrace'
import { testDriver, type TestDriver } from 'millrace/testing'
import { z } from 'zod'

/** What is read: a name, and `bad` makes the function under test give something that cannot be. */
const lines = topic('lines', text())
const out = topic('out', text())
const letters = topic('test-dlq', bytes())
const onError = { attempts: 2, backoff: '1ms', then: 'dead-letter' } as const

const half = 'x\ud800'
const cycle: { self?: unknown } = {}
cycle.self = cycle
const foreign = (): unknown => runInNewContext('Promise.resolve("a")')
const rejected = (): unknown => Promise.reject(new Error('nobody waits for it'))
const thenable = { then: (): void => undefined }
/** An error of this library that user code throws: it is the user's. */
const ours = (): never => {
  throw new MillraceError('FENCED', 'thrown by user code')
}
const thrown = (error: unknown) => (): never => {
  throw error
}

type Give = () => unknown
const give =
  (value: unknown): Give =>
  () =>
    value

const promises: readonly (readonly [string, Give])[] = [
  ['a promise', () => Promise.resolve('a')],
  ['a rejected promise', rejected],
  ['a promise of another realm', foreign],
  ['a thenable', give(thenable)],
]
const throws: readonly (readonly [string, Give])[] = [
  ['an error', thrown(new Error('no'))],
  ['an error of this library', ours],
  ['nothing, thrown', thrown(undefined)],
  ['a null, thrown', thrown(null)],
]
const badKeys: readonly (readonly [string, Give])[] = [
  ['undefined', give(undefined)],
  ['a number', give(1)],
  ['NaN', give(NaN)],
  ['a bigint', give(1n)],
  ['an object', give({})],
  ['bytes', give(Buffer.from('a'))],
  ['half a surrogate pair', give(half)],
]
const badText: readonly (readonly [string, Give])[] = [
  ['undefined', give(undefined)],
  ['a number', give(1)],
  ['an object', give({})],
  ['bytes', give(Buffer.from('a'))],
]
const badJson: readonly (readonly [string, Give])[] = [
  ['undefined', give(undefined)],
  ['a function', give(() => 1)],
  ['a bigint', give({ n: 1n })],
  ['a cycle', give(cycle)],
]
const badHeaders: readonly (readonly [string, Give])[] = [
  ['undefined', give({ a: undefined })],
  ['a number', give({ a: 1 })],
  ['an object', give({ a: {} })],
  ['half a surrogate pair', give({ a: half })],
  ['text for all', give('a')],
  ['a date', give(new Date())],
  ['Headers', give(new Headers({ a: 'b' }))],
  ['a list', give([['a', 'b']])],
]
const badEmitOptions: readonly (readonly [string, Give])[] = [
  ['a Map', give(new Map([['key', 'a']]))],
  ['a date', give(new Date())],
  ['a list', give([])],
  ['text', give('a')],
  ['null', give(null)],
]
const badTimes: readonly (readonly [string, Give])[] = [
  ['NaN', give(NaN)],
  ['Infinity', give(Infinity)],
  ['minus one', give(-1)],
  ['far too large', give(1e300)],
  ['nanoseconds', give(1_767_225_600_000_000_000)],
  ['text', give('2026-01-01')],
  ['null', give(null)],
  ['a bigint', give(1n)],
  ['a date', give(new Date())],
]

interface Program {
  readonly objects?: readonly AnyStateObject[]
  readonly flows?: readonly Flow[]
}

/** Each place where a function of the user gives something, and what of it cannot be. */
const places: readonly (readonly [
  place: string,
  program: (given: Give) => Program,
  bad: readonly (readonly [string, Give])[],
])[] = [
  [
    'a map in a flow',
    (given) => ({ flows: [lines.map((v) => pick(v, given)).to(out as never)] }),
    [...promises, ...throws, ...badText],
  ],
  [
    'a map in a flow to JSON',
    (given) => ({ flows: [lines.map((v) => pick(v, given)).to(topic('out', json(z.any())))] }),
    badJson,
  ],
  [
    'a map in a flow to longs',
    (given) => ({ flows: [lines.map((v) => (v === 'bad' ? given() : 1)).to(topic('out', long()) as never)] }),
    [
      ['a third', give(1 / 3)],
      ['text', give('1')],
      ['a bigint', give(1n)],
    ],
  ],
  [
    'a map in a flow to bytes',
    (given) => ({
      flows: [lines.map((v) => (v === 'bad' ? given() : Buffer.from(v))).to(topic('out', bytes()) as never)],
    }),
    [
      ['text', give('a')],
      ['an array', give([1])],
      ['a number', give(1)],
    ],
  ],
  [
    'a filter',
    (given) => ({ flows: [lines.filter((v) => (v === 'bad' ? (given() as boolean) : true)).to(out)] }),
    [...promises, ...throws],
  ],
  [
    'a branch',
    (given) => ({ flows: [lines.branch({ a: (v) => (v === 'bad' ? (given() as boolean) : true) }).a.to(out)] }),
    [...promises, ...throws],
  ],
  [
    'a flatMap',
    (given) => ({ flows: [lines.flatMap((v) => (v === 'bad' ? (given() as string[]) : [v])).to(out)] }),
    [
      ...promises,
      ...throws,
      ['a number', give(1)],
      ['undefined', give(undefined)],
      ['null', give(null)],
      ['several promises', () => ['a', rejected(), rejected()]],
    ],
  ],
  [
    'the second of a flatMap',
    (given) => ({ flows: [lines.flatMap((v) => [`${v}1`, pick(v, given)]).to(out as never)] }),
    [...promises, ...badText],
  ],
  [
    'a flatMap that ends early',
    (given) => ({
      flows: [
        lines
          .flatMap(function* (v) {
            yield v
            if (v === 'bad') given()
          })
          .to(out),
      ],
    }),
    throws,
  ],
  [
    'the key of a flow',
    (given) => ({ flows: [lines.to(out, { key: (v) => pick(v, given) as string })] }),
    [...promises, ...throws, ...badKeys],
  ],
  [
    'the codec of a flow',
    (given) => ({ flows: [lines.to(topic('out', codecThat(given)))] }),
    [...promises, ...throws, ...badText.filter(([what]) => what !== 'bytes'), ['half a surrogate pair', give(half)]],
  ],
  [
    'a key extractor',
    (given) => ({ objects: [kept().on(lines, { key: (v) => pick(v, given) as string, onError }, append)] }),
    [...promises, ...throws, ...badKeys],
  ],
  [
    'a key extractor with windows',
    (given) => ({ objects: [inSessions().on(lines, { key: (v) => pick(v, given) as string, onError }, append)] }),
    [...promises, ...throws, ...badKeys],
  ],
  [
    'a handler',
    (given) => ({ objects: [handling((_v) => given())] }),
    [
      ...throws,
      ['a number', give(1)],
      ['a promise of a number', () => Promise.resolve(1)],
      ['a rejected promise', rejected],
      ['a promise of another realm', foreign],
    ],
  ],
  [
    'what a handler emits',
    (given) => ({ objects: [handling((turn) => turn.emit(out, given()))] }),
    [...promises, ...badText, ['half a surrogate pair', give(half)]],
  ],
  [
    'what a handler emits as JSON',
    (given) => ({ objects: [handling((turn) => turn.emit(topic('out', z.any()), given()))] }),
    [...promises, ...badJson],
  ],
  [
    'the key of an emit',
    (given) => ({ objects: [handling((turn) => turn.emit(out, 'a', { key: given() }))] }),
    [...promises, ...badKeys],
  ],
  [
    'the headers of an emit',
    (given) => ({ objects: [handling((turn) => turn.emit(out, 'a', { headers: given() }))] }),
    badHeaders,
  ],
  [
    'the options of an emit',
    (given) => ({ objects: [handling((turn) => turn.emit(out, 'a', given()))] }),
    badEmitOptions,
  ],
  [
    'the timestamp of an emit',
    (given) => ({ objects: [handling((turn) => turn.emit(out, 'a', { timestamp: given() }))] }),
    badTimes,
  ],
  [
    'a published row',
    (given) => ({
      objects: [
        kept()
          .on(lines, { key: (v) => v, onError }, append)
          .publish(out, (s, key) => (key === 'bad' ? given() : s.seen.join()) as string),
      ],
    }),
    [...promises, ...throws, ...badText],
  ],
  [
    'init',
    (given) => ({
      objects: [
        kept((key) => (key === 'bad' ? given() : { seen: [] }) as never).on(lines, { key: (v) => v, onError }, append),
      ],
    }),
    [
      ...promises,
      ...throws,
      ['undefined', give(undefined)],
      ['null', give(null)],
      ['another shape', give({ seen: 1 })],
    ],
  ],
  [
    'a state',
    (given) => ({
      objects: [
        kept().on(lines, { key: (v) => v, onError }, (s, v) => {
          if (v === 'bad') s.seen = given() as never
          else s.seen.push(v)
        }),
      ],
    }),
    badJson,
  ],
  [
    'a state that nobody checks',
    (given) => ({
      objects: [
        stateObject('kept', {
          state: z.object({ seen: z.any() }),
          init: () => ({ seen: [] as unknown[] }),
          checked: false,
        }).on(lines, { key: (v) => v, onError }, (s, v) => {
          if (v === 'bad') s.seen = given()
          else s.seen.push(v)
        }),
      ],
    }),
    badJson.filter(([what]) => what === 'a bigint' || what === 'a cycle'),
  ],
]

describe.each(places)('%s', (_place, program, bad) => {
  it.each(bad)('may give %s: its record is a dead letter, others are as without it', async (_what, given) => {
    const unhandled: unknown[] = []
    const note = (error: unknown): void => void unhandled.push(error)
    process.on('unhandledRejection', note)
    try {
      await using driver = testDriver({ failures: 'expect', ...program(given), partitions: 2 })
      await using reference = testDriver({ failures: 'expect', ...program(given), partitions: 2 })
      for (const value of ['a', 'b']) await reference.send(lines, value, { key: value })
      for (const value of ['a', 'bad', 'b']) await driver.send(lines, value, { key: value })
      for (let i = 0; i < 3; i++) await driver.advance('10s')
      await driver.crash()

      const found = driver.output(letters)
      expect(found.map(({ key, value }) => [key, Buffer.from(value ?? []).toString()])).toEqual([['bad', 'bad']])
      expect(outcome(driver)).toEqual(outcome(reference))
      // After a restart from the changelogs too, and for what comes then.
      driver.loseDisk()
      await driver.crash()
      await driver.send(lines, 'a', { key: 'a' })
      await reference.send(lines, 'a', { key: 'a' })
      expect(outcome(driver)).toEqual(outcome(reference))
      expect(unhandled).toEqual([])
    } finally {
      process.off('unhandledRejection', note)
    }
  })
})

/** What came out, by key and in order; times are of different clocks. */
function outcome(driver: TestDriver): unknown {
  const records = driver.output(topic('out', bytes()))
  return records.map(({ key, value }) => [key, Buffer.from(value ?? []).toString('latin1')]).sort()
}

function pick(value: string, given: Give): unknown {
  return value === 'bad' ? given() : value
}

const shape = z.object({ seen: z.array(z.string()) })
type Shape = z.infer<typeof shape>

function kept(init: (key: string) => Shape = () => ({ seen: [] })) {
  return stateObject('kept', { state: shape, init })
}

function inSessions() {
  const merge = (a: Shape, b: Shape): Shape => ({ seen: [...a.seen, ...b.seen] })
  return stateObject('kept', { state: shape, init: () => ({ seen: [] }), window: session('1m', { merge }) })
}

function append(state: Shape, value: string, turn: { emit(target: typeof out, value: string): void }): void {
  state.seen.push(value)
  turn.emit(out, state.seen.join())
}

/** A handler that first does all that it may, and then, for `bad`, what it may not. */
function handling(wrong: (turn: { emit(target: unknown, value: unknown, options?: unknown): void }) => unknown) {
  return kept().on(lines, { key: (v) => v, onError }, (state, value, turn) => {
    append(state, value, turn)
    return value === 'bad' ? (wrong(turn as never) as undefined) : undefined
  })
}

function codecThat(given: Give): Codec<string> {
  return {
    format: 'own',
    encode: (value) => (value === 'bad' ? (given() as string) : value),
    decode: (encoded) => Buffer.from(encoded).toString(),
  }
}
