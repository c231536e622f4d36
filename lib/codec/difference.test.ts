import * as fc from 'fast-check'
import { difference } from './difference.js'

class Money {
  readonly cents: number
  constructor(cents: number) {
    this.cents = cents
  }
}
const symbol = Symbol('s')
const getter = { enumerable: true, get: () => 1 }

describe('no difference', () => {
  it.each<[what: string, before: unknown, after: unknown]>([
    ['what is the same', { a: [1, 'b', null, true] }, { a: [1, 'b', null, true] }],
    ['NaN', NaN, NaN],
    ['−0 and 0', [-0], [0]],
    ['a field that is undefined, and none', { a: undefined }, {}],
    ['none, and a field that is undefined', {}, { a: undefined }],
    ['no prototype and the usual one', Object.assign(Object.create(null), { a: 1 }), { a: 1 }],
    ['dates', new Date(5), new Date(5)],
    ['bytes', Uint8Array.of(1, 2), Uint8Array.of(1, 2)],
    ['maps and sets', [new Map([['a', { b: 1 }]]), new Set([1])], [new Map([['a', { b: 1 }]]), new Set([1])]],
    ['instances of a class', new Money(5), new Money(5)],
    ['bigints', 5n, 5n],
    ['getters on both sides', Object.defineProperty({}, 'a', getter), Object.defineProperty({}, 'a', getter)],
  ])('is between %s', (_what, before, after) => {
    expect(difference(before, after)).toBeUndefined()
  })

  it('is between a value and its copy', () => {
    fc.assert(fc.property(fc.jsonValue(), (value) => expect(difference(value, structuredClone(value))).toBeUndefined()))
  })
})

describe('a difference', () => {
  it.each<[before: unknown, after: unknown, sentence: string]>([
    [5, '5', 'it is 5 and would come back as "5"'],
    [{ a: { b: [1, 2] } }, { a: { b: [1, 3] } }, 'a.b[1] is 2 and would come back as 3'],
    [{ a: [1] }, { a: [1, 2] }, 'a is an array and would come back as an array'],
    [{ a: 'x' }, {}, 'a is "x" and would be lost'],
    [{}, { a: 'x' }, 'a is not there and would come back as "x"'],
    [{ 'a b': null }, { 'a b': undefined }, '["a b"] is null and would come back as undefined'],
    [[undefined], [null], '[0] is undefined and would come back as null'],
    [new Date(5), '1970', 'it is a Date and would come back as "1970"'],
    [new Date(5), new Date(6), 'it is a Date and would come back as a Date'],
    [new Money(5), { cents: 5 }, 'it is a Money and would come back as a plain object'],
    [new Money(5), new Money(6), 'cents is 5 and would come back as 6'],
    [new Map([['a', 1]]), new Map([['a', 2]]), '[0][1] is 1 and would come back as 2'],
    [Uint8Array.of(1), Uint8Array.of(2), 'it is a Uint8Array and would come back as a Uint8Array'],
    [/a/, /b/, 'it is a RegExp and would come back as a RegExp'],
    [{ [symbol]: 1 }, {}, '[Symbol(s)] is 1 and would be lost'],
    [
      Object.defineProperty({}, 'a', getter),
      { a: 1 },
      'a is computed by a getter and would come back as a plain value',
    ],
    [Object.defineProperty({}, 'a', { value: 1 }), {}, 'a is 1 and would be lost'],
    [Object.assign([1], { note: 'x' }), [1], 'note is "x" and would be lost'],
    [5n, 5, 'it is the bigint 5n and would come back as 5'],
    ['x'.repeat(50), '', `it is "${'x'.repeat(40)}"… and would come back as ""`],
  ])('of %p and %p is told: %s', (before, after, sentence) => {
    expect(difference(before, after)).toBe(sentence)
  })

  it('is not counted where it is documented: what Avro does, and fields that schemas drop', () => {
    const before = { a: 0.1, b: undefined, more: 1 }
    const after = { a: Math.fround(0.1), b: null }
    expect(difference(before, after)).toMatch(/^a is/)
    expect(difference(before, after, { avro: true })).toBe('more is 1 and would be lost')
    expect(difference(before, after, { avro: true, drops: true })).toBeUndefined()
    expect(difference(JSON.parse('{"__proto__":1}'), {}, { drops: true })).toBe('__proto__ is 1 and would be lost')
    expect(difference([1, 2], [1], { drops: true })).toBe('it is an array and would come back as an array')
  })

  it('of what is too deep is that', () => {
    let deep: unknown = 1
    for (let i = 0; i < 100_000; i++) deep = [deep]
    expect(difference(deep, structuredClone([1]))).toBe('[0] is an array and would come back as 1')
    expect(difference([deep, 1], [JSON.parse(`${'['.repeat(100_000)}1${']'.repeat(100_000)}`), 1])).toBe(
      'it is nested too deeply',
    )
  })
})
