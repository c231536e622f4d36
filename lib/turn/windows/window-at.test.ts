import fc from 'fast-check'
import { latestTimeMs } from '../../core/record-checks.js'
import { hopping, tumbling, type FixedWindow } from '../../model/window.js'
import { parseWindowKey, windowAt, windowCount, windowKey } from './windows.js'

const time = fc.oneof(
  fc.integer({ min: -latestTimeMs, max: latestTimeMs }),
  fc.integer({ min: -10_000, max: 10_000 }),
  fc.constantFrom(-latestTimeMs, -1, 0, 1, latestTimeMs - 1, latestTimeMs),
)
const shape = fc.record({ every: fc.integer({ min: 1, max: 10 ** 9 }), count: fc.integer({ min: 1, max: 20 }) })
const definition = ({ every, count }: { every: number; count: number }): FixedWindow =>
  (count === 1 ? tumbling(every) : hopping(every * count, { every })).definition as FixedWindow

describe('the windows of a time', () => {
  it('are all that it is in, aligned to 1970, from the earliest on', () => {
    fc.assert(
      fc.property(time, shape, (at, { every, count }) => {
        const window = definition({ every, count })
        expect(windowCount(window)).toBe(count)
        const all = Array.from({ length: count }, (_, index) => windowAt(at, window, index))
        for (const [index, { start, end }] of all.entries()) {
          expect(start <= at && at < end).toBe(true)
          expect(end - start).toBe(every * count)
          expect(Math.abs(start % every)).toBe(0)
          expect(start).toBe((all[0]?.start ?? NaN) + index * every)
        }
        // The one before is over, the one behind has not begun.
        expect(all[0]!.start - every + every * count <= at && all.at(-1)!.start + every > at).toBe(true)
      }),
    )
  })

  it('are made one by one: of 86,400 any can be had at once', () => {
    const window = hopping('1d', { every: '1s' }).definition as FixedWindow
    let sum = 0
    for (let i = 0; i < 100_000; i++) sum += windowAt(1e12 + i, window, 86_399).start
    expect(sum).toBeGreaterThan(0)
    expect(windowCount(window)).toBe(86_400)
  })

  it('have names that say key and window again', () => {
    fc.assert(
      fc.property(fc.string(), time, shape, (key, at, of) => {
        const window = windowAt(at, definition(of), 0)
        expect(parseWindowKey(windowKey(key, window))).toEqual({ key, window })
      }),
    )
  })
})
