import { Caution } from './caution.js'

/** Fails, as turns do: all is done again unless caution spares it. */
function redos(caution: Caution, times: readonly number[], forState = false): number[] {
  return times.filter((now) => {
    const isSpared = caution.isUp && !caution.isOver(now) && (!forState || caution.isClose)
    if (isSpared) caution.spared(now, forState)
    else caution.redone(now, forState)
    return !isSpared
  })
}

const every = (ms: number, count: number): number[] => Array.from({ length: count }, (_, n) => n * ms)

describe('caution', () => {
  it('spares all but the first few redos of failures that come one after the other, as long as they come', () => {
    expect(redos(new Caution(), every(1_000, 100))).toEqual([0, 1_000, 2_000])
    expect(redos(new Caution(), every(1, 5_000))).toEqual([0, 1, 2])
  })

  it('is not taken for failures that are far apart', () => {
    expect(redos(new Caution(), every(10_000, 20))).toHaveLength(20)
  })

  it('ends when it has been of no use for a while', () => {
    const caution = new Caution()
    expect(redos(caution, [0, 1, 2, 3])).toEqual([0, 1, 2])
    expect(caution.isOver(10_002)).toBe(false)
    expect(caution.isOver(10_003)).toBe(true)
    expect(caution.isUp).toBe(false)
    expect(redos(caution, [20_000, 20_001, 20_002, 20_003])).toEqual([20_000, 20_001, 20_002])
  })

  it('looks at states only where states were what failed', () => {
    const caution = new Caution()
    redos(caution, every(1, 10))
    expect(caution.isClose).toBe(false)
    expect(redos(caution, [20, 21, 22], true)).toEqual([20])
    expect(caution.isClose).toBe(true)
    expect(redos(caution, every(1_000, 30))).toEqual([])
    expect(caution.isClose).toBe(false)
  })
})
