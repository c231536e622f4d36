import { Breaker } from './breaker.js'

const opened = (): Breaker => {
  const breaker = new Breaker({ after: 3, probeMs: 5_000 })
  for (const name of ['a', 'b', 'c']) breaker.failed(name, 1_000, `${name} failed`)
  return breaker
}

describe('a breaker', () => {
  it('opens after different objects have failed in a row, and says since when and why', () => {
    const breaker = new Breaker({ after: 3, probeMs: 5_000 })
    for (const name of ['a', 'b', 'a', 'b', 'b']) breaker.failed(name, 1, 'x')
    expect(breaker.isOpen).toBe(false)
    breaker.succeeded()
    for (const name of ['c', 'd']) breaker.failed(name, 2, 'x')
    expect(breaker.isOpen).toBe(false)
    breaker.failed('e', 3, 'ECONNREFUSED')
    expect(breaker.pause).toEqual({ since: 3, objects: 3, reason: 'ECONNREFUSED' })
    expect(breaker.isOpen).toBe(true)
  })

  it('lets one turn pass at each interval, by turns one that waits and one of a new record', () => {
    const breaker = opened()
    const again: string[] = []
    const waits = (name: string, now: number): boolean => breaker.admitsWaiting(name, now, () => again.push(name))
    expect(waits('a', 1_000)).toBe(false)
    expect(waits('b', 5_999)).toBe(false)
    expect(breaker.admitsRecord(5_999)).toBe(false)
    // Of those that wait.
    expect(breaker.admitsRecord(6_000)).toBe(false)
    expect(breaker.isDue(6_000)).toBe(true)
    expect(breaker.probe(6_000)).toBe(true)
    expect(again).toEqual(['a'])
    expect(waits('a', 6_000)).toBe(true)
    expect(waits('b', 6_000)).toBe(false)
    // Of a new record; when there is none, of those that wait after all.
    expect(breaker.nextLook(6_000)).toBe(11_000)
    expect(breaker.takesRecords(10_999)).toBe(false)
    expect(breaker.takesRecords(11_000)).toBe(true)
    expect(waits('b', 11_000)).toBe(false)
    expect(breaker.nextLook(11_000)).toBe(16_000)
    expect(waits('b', 16_000)).toBe(true)
    expect(breaker.admitsRecord(16_000)).toBe(false)
  })

  it('lets records pass when nothing waits', () => {
    const breaker = opened()
    expect(breaker.admitsRecord(6_000)).toBe(true)
    expect(breaker.admitsRecord(6_000)).toBe(false)
  })

  it('closes with the first success, and all that waits is due again, once', () => {
    const breaker = opened()
    const again: string[] = []
    for (const name of ['a', 'b', 'a']) breaker.admitsWaiting(name, 1_000, () => again.push(name))
    const heard: boolean[] = []
    breaker.onChange = ({ isOpen }) => heard.push(isOpen)
    breaker.succeeded()
    breaker.succeeded()
    expect(heard).toEqual([false])
    expect(again).toEqual(['b', 'a'])
    expect(breaker.pause).toBeUndefined()
    expect(breaker.nextLook(1e12)).toBe(Infinity)
  })

  it('does not open again for those that had failed before', () => {
    const breaker = opened()
    breaker.failed('d', 2_000, 'probe')
    breaker.succeeded()
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) breaker.failed(name, 3_000, 'x')
    expect(breaker.isOpen).toBe(false)
    breaker.failed('g', 3_000, 'x')
    expect(breaker.isOpen).toBe(true)
  })
})
