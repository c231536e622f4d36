import { runInNewContext } from 'node:vm'
import {
  demandEncoded,
  demandHeaders,
  demandKey,
  demandTimestamp,
  isThenable,
  kindOf,
  latestTimeMs,
} from './record-checks.js'

const half = '\ud800'

describe('keys', () => {
  it.each([null, '', 'a', 'ä', '😀', '__proto__', '\0'])('are taken: %j', (key) => {
    expect(demandKey(key, 'here')).toBe(key)
  })

  it.each([
    undefined,
    1,
    NaN,
    1n,
    true,
    {},
    [],
    new Uint8Array(1),
    Symbol('a'),
    half,
    `a${half}`,
    Promise.resolve('a'),
  ])('are refused: %p', (key) => {
    expect(() => demandKey(key, 'here')).toThrow(expect.objectContaining({ code: 'RECORD_INVALID' }))
    expect(() => demandKey(key, 'here')).toThrow(/^here: the key is /)
  })
})

describe('headers', () => {
  it('are text or bytes, in an object or a Map', () => {
    const bytes = Uint8Array.of(1)
    const expected = new Map([
      ['a', Buffer.from('ä')],
      ['b', bytes],
    ])
    expect(demandHeaders({ a: 'ä', b: bytes }, 'here')).toEqual(expected)
    expect(
      demandHeaders(
        new Map<string, unknown>([
          ['a', 'ä'],
          ['b', bytes],
        ]),
        'here',
      ),
    ).toEqual(expected)
    expect(demandHeaders({ a: null }, 'here')).toEqual(new Map([['a', null]]))
  })

  it('may be an object without a prototype, and objects and Maps of another realm', () => {
    const expected = new Map([['a', Buffer.from('b')]])
    expect(demandHeaders(Object.assign(Object.create(null), { a: 'b' }), 'here')).toEqual(expected)
    expect(demandHeaders(runInNewContext("({ a: 'b' })"), 'here')).toEqual(expected)
    expect(demandHeaders(runInNewContext("new Map([['a', 'b']])"), 'here')).toEqual(expected)
  })

  it.each([null, 'a', 1, { a: undefined }, { a: 1 }, { a: {} }, { a: half }, { [half]: 'a' }, new Map([[1, 'a']])])(
    'are refused: %p',
    (headers) => {
      expect(() => demandHeaders(headers, 'here')).toThrow(expect.objectContaining({ code: 'RECORD_INVALID' }))
    },
  )

  it.each([
    ['a Date', new Date(), /an object \(Date\)/],
    ['a Set', new Set(['a']), /an object \(Set\)/],
    ['Headers', new Headers({ a: 'b' }), /an object \(Headers\)/],
    [
      'a class',
      new (class Own {
        a = 'b'
      })(),
      /an object \(Own\)/,
    ],
    ['an object whose prototype has them', Object.create({ a: 'b' }), /an object \(Object\)/],
    ['a list', [['a', 'b']], /an array/],
    ['an empty list', [], /an array/],
    ['bytes', new Uint8Array(2), /an object \(Uint8Array\)/],
    ['text', 'a=b', /a string/],
    ['a function', () => ({ a: 'b' }), /a function/],
    ['a promise', Promise.resolve({ a: 'b' }), /a promise/],
    ['a Date of another realm', runInNewContext('new Date()'), /an object \(Date\)/],
  ])('are not taken for none: %s', (_what, headers, message) => {
    expect(() => demandHeaders(headers, 'here')).toThrow(expect.objectContaining({ code: 'RECORD_INVALID' }))
    expect(() => demandHeaders(headers, 'here')).toThrow(message)
  })
})

describe('timestamps', () => {
  it.each([
    [0, 0],
    [1.5, 1],
    [latestTimeMs, latestTimeMs],
  ])('are whole milliseconds: %p', (timestamp, whole) => {
    expect(demandTimestamp(timestamp, 'here')).toBe(whole)
  })

  it.each([-1, NaN, Infinity, -Infinity, 1e300, latestTimeMs + 1, '2026-01-01', null, undefined, 1n, new Date()])(
    'are refused: %p',
    (timestamp) => {
      expect(() => demandTimestamp(timestamp, 'here')).toThrow(expect.objectContaining({ code: 'RECORD_INVALID' }))
    },
  )
})

describe('what a codec gives', () => {
  it('is text or bytes', () => {
    expect(demandEncoded('a', 'here')).toBe('a')
    expect(demandEncoded(Buffer.from('a'), 'here')).toEqual(Buffer.from('a'))
    for (const encoded of [undefined, null, 1, {}, [1], half, Promise.resolve('a')])
      expect(() => demandEncoded(encoded, 'here')).toThrow(expect.objectContaining({ code: 'VALUE_INVALID' }))
  })
})

describe('thenables', () => {
  it('are promises of any realm, and what behaves like one', () => {
    const foreign = runInNewContext('Promise.resolve()') as unknown
    expect(foreign instanceof Promise).toBe(false)
    expect([foreign, Promise.resolve(), { then: () => undefined }].map(isThenable)).toEqual([true, true, true])
    expect([null, undefined, {}, 'then', { then: 1 }].map(isThenable)).toEqual([false, false, false, false, false])
    expect(kindOf(foreign)).toBe('a promise')
  })
})
