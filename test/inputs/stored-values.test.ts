import { isDeepStrictEqual } from 'node:util'
import { bytes, stateObject, text, topic } from 'millrace'
import { testDriver, type TestDriver } from 'millrace/testing'
import * as fc from 'fast-check'
import { z } from 'zod'

const numbers = topic('numbers', text())
const letters = topic('test-dlq', bytes())
const onError = { attempts: 1, then: 'dead-letter' } as const

const names = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 5 }),
  fc.constantFrom('__proto__', 'constructor', 'toJSON', '0'),
)
/** What JSON can hold, with what is easily lost of it. */
const holdable = (): fc.Arbitrary<unknown> =>
  fc.anything({
    maxDepth: 3,
    withNullPrototype: true,
    key: names,
    values: [
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.maxSafeInteger(),
      fc.string({ unit: 'binary', maxLength: 5 }),
      fc.constantFrom(null, true, -0, 2 ** 53, -(2 ** 60), 1e21, '\ud800', '\uFFFD', '9007199254740993'),
    ],
  })
/** Anything that JavaScript has. */
const anything = (): fc.Arbitrary<unknown> =>
  fc.anything({
    maxDepth: 2,
    withBigInt: true,
    withBoxedValues: true,
    withDate: true,
    withMap: true,
    withSet: true,
    withNullPrototype: true,
    withSparseArray: true,
    withTypedArray: true,
    key: names,
    values: [
      fc.double(),
      fc.bigInt(),
      fc.constantFrom(undefined, NaN, Infinity, Symbol('s'), () => 1, /a/, new Error('e'), Promise.resolve(1)),
      fc.constantFrom(new Date(NaN), new (class Money {})(), new WeakMap()),
    ],
  })
const lists = fc.array(fc.oneof({ arbitrary: holdable(), weight: 3 }, anything()), { minLength: 1, maxLength: 20 })

/** As it should come back: fields that are undefined are as good as none, and objects have the usual prototype. */
function normal(value: unknown): unknown {
  if (Array.isArray(value)) return Array.from(value, normal)
  if (typeof value !== 'object' || value === null) return value
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== null && prototype !== Object.prototype) return value
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, each]) => (each === undefined ? [] : [[key, normal(each)] as const])),
  )
}

const lettersOf = (driver: TestDriver): Map<string | null, string> =>
  new Map(
    driver
      .output(letters)
      .map(({ value, headers }) => [
        Buffer.from(value ?? '').toString(),
        Buffer.from(headers.get('millrace.error.code') ?? '').toString(),
      ]),
  )

/** Restarts as after a crash, from the changelogs only. */
async function restarted(driver: TestDriver): Promise<void> {
  driver.loseDisk()
  await driver.crash()
}

class Money {
  readonly cents = 5
}
const circle: { self?: unknown } = {}
circle.self = circle
let deep: unknown = 1
for (let i = 0; i < 10_000; i++) deep = [deep]

/** What no schema tells, and what is said of it; undefined: it comes back exactly. */
const cases: readonly (readonly [what: string, value: unknown, sentence: string | undefined])[] = [
  ['NaN', NaN, 'v is NaN and would come back as null'],
  ['NaN in a list', { items: [1, 2, NaN] }, 'v.items[2] is NaN and would come back as null'],
  ['Infinity', { x: -Infinity }, 'v.x is -Infinity and would come back as null'],
  ['−0', { x: -0 }, undefined],
  ['a number beyond 2^53', [2 ** 53, -(2 ** 60), 1e21, Number.MAX_VALUE], undefined],
  ['undefined in a list', [undefined], 'v[0] is undefined and would come back as null'],
  ['a hole', Object.assign([], { 1: 'b' }), 'v[0] is undefined and would come back as null'],
  ['a name on a list', Object.assign([1], { note: 'b' }), 'v.note is "b" and would be lost'],
  ['undefined in a field', { a: undefined, b: 1 }, undefined],
  ['half a surrogate pair', ['a\ud800', { '\udc00': 1 }], undefined],
  ['a field __proto__', JSON.parse('{"__proto__":{"a":1}}'), undefined],
  ['a field constructor', { constructor: 1, toString: 2, hasOwnProperty: 3 }, undefined],
  ['an object without a prototype', Object.assign(Object.create(null), { a: 1 }), undefined],
  [
    'an object with a prototype',
    Object.create({ a: 1 }),
    'v is an object with a prototype of its own and would come back as',
  ],
  ['an instance', { price: new Money() }, 'v.price is a Money and would come back as a plain object'],
  ['a date', { at: new Date(0) }, 'v.at is a Date and would come back as "1970-01-01T00:00:00.000Z"'],
  ['no date', new Date(NaN), 'v is a Date'],
  ['a map', { m: new Map([['a', 1]]) }, 'v.m is a Map'],
  ['a set', new Set([1]), 'v is a Set'],
  ['bytes', { b: Buffer.from('a') }, 'v.b is a Buffer'],
  ['a bigint', { id: 5n }, 'v.id is a bigint (5n), which JSON has no form for'],
  ['a function', { 'a b': () => 1 }, 'v["a b"] is a function and would be lost'],
  ['a symbol', [Symbol('s')], 'v[0] is a symbol and would come back as null'],
  ['a symbol for a name', { [Symbol('s')]: 1 }, 'v[Symbol(s)] is 1 and would be lost'],
  ['a getter', Object.defineProperty({}, 'x', { get: () => 1, enumerable: true }), 'v.x is computed by a getter'],
  ['a hidden field', Object.defineProperty({}, 'x', { value: 1, enumerable: false }), 'v.x is 1 and would be lost'],
  ['a toJSON', { toJSON: () => 1 }, 'v.toJSON is a function'],
  ['a promise', { p: Promise.resolve(1) }, 'v.p is a promise'],
  ['a regular expression', /a/, 'v is a RegExp'],
  ['an error', new Error('e'), 'v is an Error'],
  ['a boxed number', new Number(5), 'v is a Number'],
  ['a circle', circle, 'v.self contains itself'],
  ['10,000 lists in each other', deep, 'nested too deeply'],
]

const isSame = (before: unknown, after: unknown): boolean => isDeepStrictEqual(normal(before), normal(after))

describe('a state or a payload with', () => {
  it.each(cases)('%s comes back exactly or is refused with a sentence', async (_what, value, sentence) => {
    let got: unknown
    const holder = stateObject('holder', { state: z.object({ v: z.any() }), init: () => ({ v: 0 as unknown }) })
      .timers({ wake: z.any() })
      .on(numbers, { key: (n) => n, onError }, (state, n, turn) => {
        if (n === 'state') state.v = value
        else turn.timer('wake', '1m', { v: value })
      })
      .onTimer('wake', (_state, payload) => {
        got = payload
      })
    await using driver = testDriver({ failures: 'expect', objects: [holder] })
    await driver.sendAll(numbers, ['state', 'timer'])
    await restarted(driver)
    await driver.advance('2m')
    const state = driver.state(holder, 'state')
    const messages = driver
      .output(letters)
      .map(({ headers }) => Buffer.from(headers.get('millrace.error.message') ?? '').toString())
    const isRefused = sentence !== undefined
    expect(messages.filter((message) => isRefused && message.includes(sentence))).toHaveLength(isRefused ? 2 : 0)
    expect(messages).toHaveLength(isRefused ? 2 : 0)
    expect([state, got].map((each) => (isRefused ? each === undefined : isSame({ v: value }, each)))).toEqual([
      true,
      true,
    ])
  })
})

/** Numbers of the values that were neither refused, with this code, nor came back as they were. */
function changed(
  values: readonly unknown[],
  driver: TestDriver,
  code: string,
  came: (key: string) => readonly [value: unknown] | undefined,
): readonly number[] {
  const refused = lettersOf(driver)
  return [...values.keys()].filter((n) => {
    const back = came(String(n))
    if (refused.has(String(n))) return refused.get(String(n)) !== code || back !== undefined
    return back === undefined || !isSame(values[n], back[0])
  })
}

describe.each(['none', 'every-record'] as const)('whatever a handler leaves or sets (replay: %s)', (replay) => {
  it('comes back exactly after a crash, or is an error of its turn', async () => {
    const notBack = async (values: readonly unknown[]): Promise<readonly number[]> => {
      const holder = stateObject('holder', { state: z.object({ v: z.any() }), init: () => ({ v: 0 as unknown }) }).on(
        numbers,
        { key: (n) => n, onError },
        (state, n) => {
          state.v = values[Number(n)]
        },
      )
      await using driver = testDriver({ failures: 'expect', objects: [holder], partitions: 2, replay })
      await driver.sendAll(
        numbers,
        values.map((_, n) => String(n)),
      )
      await restarted(driver)
      return changed(values, driver, 'STATE_INVALID', (key) => {
        const state = driver.state(holder, key)
        return state && [state.v]
      })
    }
    const property = fc.asyncProperty(lists, async (values) => expect(await notBack(values)).toEqual([]))
    await expect(fc.assert(property, { numRuns: 25 })).resolves.toBeUndefined()
  }, 60_000)

  it('comes to the handler of a timer exactly, or is an error of the turn that sets it', async () => {
    const notBack = async (values: readonly unknown[]): Promise<readonly number[]> => {
      const got = new Map<string, readonly [unknown]>()
      const waker = stateObject('waker', { state: z.object({}), init: () => ({}) })
        .timers({ wake: z.any() })
        .on(numbers, { key: (n) => n, onError }, (_state, n, turn) => turn.timer('wake', '1m', values[Number(n)]))
        .onTimer('wake', (_state, payload, turn) => void got.set(turn.key, [payload]))
      await using driver = testDriver({ failures: 'expect', objects: [waker], partitions: 2, replay })
      await driver.sendAll(
        numbers,
        values.map((_, n) => String(n)),
      )
      await restarted(driver)
      await driver.advance('2m')
      return changed(values, driver, 'VALUE_INVALID', (key) => got.get(key))
    }
    const property = fc.asyncProperty(lists, async (values) => expect(await notBack(values)).toEqual([]))
    await expect(fc.assert(property, { numRuns: 25 })).resolves.toBeUndefined()
  }, 60_000)
})
