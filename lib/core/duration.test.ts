import { durationMs } from './duration.js'
import { MillraceError } from './errors.js'

describe('durationMs', () => {
  it.each([
    ['100ms', 100],
    ['5s', 5_000],
    ['15m', 900_000],
    ['24h', 86_400_000],
    ['30d', 2_592_000_000],
    ['1.5s', 1_500],
    ['1.005s', 1_005],
    ['0.1d', 8_640_000],
    ['100000000d', 8.64e15],
    [250, 250],
    [0, 0],
  ] as const)('reads %s as %d ms', (duration, ms) => {
    expect(durationMs(duration, 'x')).toBe(ms)
  })

  it.each(['5', 'soon', '-1s', -1, NaN, Infinity, '5 s', 0.5, '0.5ms', '1.0005s', '100000001d', 1e300, null, {}, 5n])(
    'refuses %s by the name of the option',
    (duration) => {
      expect(() => durationMs(duration as number, 'sessionTimeout')).toThrow(/^sessionTimeout: /)
    },
  )
})

describe('MillraceError.is', () => {
  it('recognises errors of another copy of the library by their brand', () => {
    const foreign = Object.assign(new Error('x'), { code: 'FENCED', [Symbol.for('millrace.error')]: true })
    expect(MillraceError.is(foreign, 'FENCED')).toBe(true)
    expect(MillraceError.is(foreign, 'STORE_FAILED')).toBe(false)
    expect(MillraceError.is(new Error('x'))).toBe(false)
    expect(MillraceError.is(null)).toBe(false)
  })
})
