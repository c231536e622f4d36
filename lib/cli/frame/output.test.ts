import { jsonText } from './output.js'

it.each<[unknown, string]>([
  [{ a: 1n }, '{"a":"1"}'],
  [undefined, 'null'],
  ['\u001b[31m', '"\\u001b[31m"'],
  ['\u009b31m\u007f', '"\\u009b31m\\u007f"'],
  ['\u202eabc\u2066', '"\\u202eabc\\u2066"'],
  ['é 😀 ключ', '"é 😀 ключ"'],
])('says %j as JSON with nothing that steers a terminal', (value, text) => {
  expect(jsonText(value)).toBe(text)
})

it('says what is read as the same again', () => {
  const value = { '\u009b': ['\u202e\u0085\u2028', '\\u009b', '\ud800'] }
  expect(JSON.parse(jsonText(value))).toEqual(value)
  expect(JSON.parse(jsonText(value, 2))).toEqual(value)
})
