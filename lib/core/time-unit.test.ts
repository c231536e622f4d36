import { unitHint } from './time-unit.js'

const at = Date.UTC(2026, 0)

it.each([
  [at / 1000, / looks like seconds \(2026-01-01T00:00:00\.000Z\); give milliseconds\.$/],
  [at * 1000, / looks like microseconds \(2026-01-01/],
  [at * 1000 + 0.5, / looks like microseconds \(2026-01-01/],
  [at * 1e6, / looks like nanoseconds \(2026-01-01/],
  [Date.UTC(2099, 0) * 1000, / looks like microseconds \(2099-/],
  [Date.UTC(1991, 0) / 1000, / looks like seconds \(1991-/],
])('guesses the unit of %d', (time, hint) => {
  expect(unitHint(time)).toMatch(hint)
})

it.each([at, Date.UTC(1991, 0), Date.UTC(2099, 0), 0, -1, -at, NaN, Infinity, -Infinity, 1e300, 60_000])(
  'makes no guess about %d',
  (time) => {
    expect(unitHint(time)).toBe('')
  },
)
