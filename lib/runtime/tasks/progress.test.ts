import { systemClock } from '../../core/clock.js'
import { PositionMap } from '../../core/record.js'
import { Progress } from './progress.js'

let now = 0
const clock = { ...systemClock, elapsed: () => now }
const at = (offset: number) => PositionMap.of([['orders', 1, offset]]).topics

describe('progress of a group', () => {
  it('stands still when an offset has not moved for five seconds of looking', () => {
    const progress = new Progress(clock)
    progress.look(at(7))
    expect(progress.of('orders', 1)).toBe(7)
    for (let second = 0; second < 5; second++) {
      expect(progress.standsStill('orders', 1)).toBe(false)
      now += 1_000
      progress.look(at(7))
    }
    expect(progress.standsStill('orders', 1)).toBe(true)
    progress.look(at(8))
    expect(progress.standsStill('orders', 1)).toBe(false)
  })

  it('does not stand still while nothing could be asked', () => {
    const progress = new Progress(clock)
    progress.look(at(7))
    expect(progress.standsStill('orders', 1)).toBe(false)
    now += 60_000
    progress.look(at(7))
    expect(progress.standsStill('orders', 1)).toBe(false)
  })

  it('knows partitions that nothing was committed of', () => {
    const progress = new Progress(clock)
    for (let second = 0; second <= 5; second++) {
      progress.look(new Map())
      expect(progress.standsStill('orders', 1)).toBe(second === 5)
      now += 1_000
    }
  })
})
