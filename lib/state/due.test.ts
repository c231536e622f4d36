import fc from 'fast-check'
import { dueFrom, dueKey, parseDue } from './due.js'

const ms = fc.oneof(
  fc.maxSafeInteger(),
  fc.integer({ min: -1_000, max: 1_000 }),
  fc.constantFrom(-8.64e15, -1, 0, 1, 8.64e15, Number.MAX_SAFE_INTEGER, -Number.MAX_SAFE_INTEGER),
)

describe('keys of what is due', () => {
  it('sort as their times do, before 1970 too', () => {
    fc.assert(
      fc.property(ms, ms, (one, other) => {
        const [first, second] = [one, other].map((dueMs) => dueKey('event', { dueMs, kind: 'k', key: 'a' }))
        expect(Math.sign(Buffer.compare(Buffer.from(first!), Buffer.from(second!)))).toBe(Math.sign(one - other))
      }),
    )
  })

  it('tell time, kind and key again', () => {
    fc.assert(
      fc.property(ms, fc.string(), (dueMs, key) => {
        expect(parseDue(dueKey('processing', { dueMs, kind: '-timers', key }))).toEqual({ dueMs, kind: '-timers', key })
      }),
    )
  })

  it('stand in the range from their time on, and not in the one from the next millisecond on', () => {
    fc.assert(
      fc.property(fc.integer(), (dueMs) => {
        const key = dueKey('event', { dueMs, kind: 'k', key: '' })
        expect(key >= dueFrom('event', dueMs) && key < dueFrom('event', dueMs + 1)).toBe(true)
        expect(key >= dueFrom('event', -Infinity) && key < dueFrom('event', Infinity)).toBe(true)
      }),
    )
  })
})
