import { jsonText } from './json-text.js'

it.each<[string, object, RegExp]>([
  ['a Date that is none', { a: new Date(NaN) }, /'a' is a Date/],
  ['undefined in a list', { a: [1, undefined] }, /'1' is undefined/],
  ['a hole in a list', { a: Array(1) }, /'0' is undefined/],
  ['half a surrogate pair', { a: '\ud800' }, /'a' .*half a surrogate pair/],
  ['half a surrogate pair in a name', { '\ud800': 1 }, /half a surrogate pair/],
  ['a RegExp', { a: /x/ }, /'a' is a RegExp/],
  ['an Error', { a: new Error('x') }, /'a' is a Error/],
  ['a Map', { a: new Map() }, /'a' is a Map/],
  ['a WeakMap', { a: new WeakMap() }, /'a' is a WeakMap/],
  ['a promise', { a: Promise.resolve() }, /'a' is a Promise/],
  ['a list of floats', { a: new Float64Array(1) }, /'a' is a Float64Array/],
  ['NaN', { a: NaN }, /'a' is NaN/],
])('%s is refused, since JSON would change it', (_what, value, message) => {
  expect(() => jsonText(value)).toThrow(message)
})

it.each<[object, string]>([
  [{ a: undefined, b: null }, '{"b":null}'],
  [{ a: new Date(0) }, '{"a":"1970-01-01T00:00:00.000Z"}'],
  [{ a: 2n ** 64n, b: [-1n] }, '{"a":18446744073709551616,"b":[-1]}'],
  [
    {
      a: new (class Point {
        x = 1
      })(),
    },
    '{"a":{"x":1}}',
  ],
  [{ a: Object.assign(Object.create(null), { x: 1 }) }, '{"a":{"x":1}}'],
  [{ a: Uint8Array.of(1, 2) }, '{"a":"AQI="}'],
])('%p', (value, text) => {
  expect(jsonText(value)).toBe(text)
})
