import { unsafeInteger } from './unsafe-integer.js'

it('finds numbers behind and within long texts', () => {
  const long = `x\\"${'x'.repeat(60_000_000)}`
  expect(unsafeInteger(Buffer.from(`{"a":"${long}","b":1234567890123456}`))).toBeUndefined()
  expect(unsafeInteger(Buffer.from(`{"a":"${long} 12345678901234567","b":12345678901234567}`))).toBe(
    '12345678901234567',
  )
})
