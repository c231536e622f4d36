import { systemClock } from '../../core/clock.js'
import { needsOperator, RecentLetters } from './needs-operator.js'

const none = { app: 'shop', failure: undefined, quarantined: 0, letters: 0, held: [] }

describe('what needs an operator', () => {
  it('is nothing when all is well', () => {
    expect(needsOperator(none)).toEqual([])
  })

  it.each([
    [{ failure: 'the disk is full.' }, /stopped by an error: the disk is full\. Repair/],
    [{ quarantined: 1 }, /^1 object is in quarantine here: its records become.*millrace dlq replay/],
    [{ quarantined: 7 }, /^7 objects are in quarantine here: their records become/],
    [{ letters: 1 }, /^1 dead letter was written here in the last hour; millrace dlq ls says which are open/],
    [{ letters: 2 }, /^2 dead letters were written here in the last hour; millrace dlq ls.*millrace dlq replay/],
    [{ held: [{ reason: 'orders[3] is held' }, { reason: 'orders[4] is held' }] }, /^orders\[3\] is held \(and 1/],
  ])('is said with what to do: %j', (more, said) => {
    const found = needsOperator({ ...none, ...more })
    expect(found).toHaveLength(1)
    expect(found[0]).toMatch(said)
  })
})

it('advises no release of what is to be repaired, since records behind it would overtake its letters', () => {
  expect(needsOperator({ ...none, quarantined: 2, letters: 2 }).join(' ')).not.toMatch(/release/)
})

describe('recent dead letters', () => {
  it('are those of the last hour, in memory that does not grow', () => {
    let now = 0
    const letters = new RecentLetters({ ...systemClock, elapsed: () => now })
    const minute = 60_000
    // One a minute.
    for (let total = 0; total <= 600; total++) {
      now = total * minute
      letters.look(total)
      letters.look(total)
      expect(letters.of(total)).toBe(Math.min(total, 60))
    }
    // None comes any more.
    for (let after = 0; after <= 62; after++) letters.look((now = (600 + after) * minute) && 600)
    expect(letters.of(600)).toBe(0)
  })
})
