import fc from 'fast-check'
import { defaultErrorPolicy } from '../../model/inputs.js'
import { waitBeforeNext } from './back-off.js'

/** All waits of a turn that always fails. */
function waits(policy = defaultErrorPolicy, name = 'order/a', asked?: number): readonly number[] {
  const all: number[] = []
  for (let waited = 0; all.length < 10_000;) {
    const wait = waitBeforeNext(policy, name, { attempt: all.length + 1, waited }, asked)
    if (wait === undefined) break
    all.push(wait)
    waited += wait
  }
  return all
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0)

describe('what is waited before the next attempt', () => {
  it('is by default from 100 ms to 30 s, and 15 minutes in all', () => {
    const all = waits()
    expect(all[0]).toBeLessThanOrEqual(100)
    expect(all[0]).toBeGreaterThanOrEqual(50)
    expect(sum(all)).toBe(900_000)
    expect(all.length).toBeGreaterThan(38)
    expect(all.length).toBeLessThan(60)
  })

  it('is between half and whole of what doubles, and the last one as long as time is left', () => {
    const policy = fc.record({
      backoffMs: fc.integer({ min: 1, max: 10_000 }),
      more: fc.integer({ min: 0, max: 100_000 }),
      forMs: fc.integer({ min: 0, max: 1_000_000 }),
    })
    fc.assert(
      fc.property(policy, fc.string(), ({ backoffMs, more, forMs }, name) => {
        const mostBackoffMs = backoffMs + more
        const all = waits({ ...defaultErrorPolicy, backoffMs, mostBackoffMs, forMs }, name)
        expect(all.length === 10_000 ? forMs : sum(all)).toBe(forMs)
        all.slice(0, -1).forEach((wait, i) => {
          const nominal = Math.min(mostBackoffMs, backoffMs * 2 ** i)
          expect(wait).toBeGreaterThanOrEqual(nominal / 2)
          expect(wait).toBeLessThanOrEqual(nominal)
        })
      }),
    )
  })

  it('is the same each time it is asked, and another for another object', () => {
    expect(waits()).toEqual(waits())
    const firsts = Array.from({ length: 1_000 }, (_, i) => waits(defaultErrorPolicy, `order/customer-${i}`)[3]!)
    // Ten parts of what is possible, 400 to 800 ms, of which none is empty or crowded.
    const parts = Array.from({ length: 10 }, (_, part) => firsts.filter((ms) => Math.floor((ms - 400) / 40.1) === part))
    for (const part of parts) expect(part.length).toBeGreaterThan(50)
  })

  it('ends with the attempts where these are said', () => {
    expect(waits({ ...defaultErrorPolicy, attempts: 5, forMs: Infinity })).toHaveLength(4)
    expect(waits({ ...defaultErrorPolicy, attempts: 1 })).toEqual([])
    expect(waits({ ...defaultErrorPolicy, forMs: 0 })).toEqual([])
  })

  it('is what an error asks for, where that is longer, and at most a tenth more', () => {
    const all = waits(defaultErrorPolicy, 'order/a', 60_000)
    for (const wait of all) {
      expect(wait).toBeGreaterThanOrEqual(60_000)
      expect(wait).toBeLessThanOrEqual(66_000)
    }
    expect(all.length).toBe(15)
    expect(waits(defaultErrorPolicy, 'order/a', 1)).toEqual(waits())
    // Longer than there is time: the attempt after it is the last.
    expect(waits(defaultErrorPolicy, 'order/a', 3_600_000)).toHaveLength(1)
    expect(sum(waits(defaultErrorPolicy, 'order/a', 1e15))).toBeLessThanOrEqual(1.1 * 24 * 3_600_000)
  })
})
