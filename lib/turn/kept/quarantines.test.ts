import fc from 'fast-check'
import { Quarantines } from './quarantines.js'

describe('the number of objects in quarantine', () => {
  it('is that of the rows, whatever is sealed, taken back or aborted in between', () => {
    const steps = fc.array(
      fc.oneof(
        fc.record({ do: fc.constant('change' as const), row: fc.constantFrom('a', 'b', 'c'), isIn: fc.boolean() }),
        fc.record({ do: fc.constantFrom('seal' as const, 'undo' as const, 'abort' as const) }),
      ),
      { maxLength: 40 },
    )
    fc.assert(
      fc.property(steps, fc.subarray(['a', 'b', 'c']), (all, first) => {
        const quarantines = new Quarantines()
        for (const row of first) quarantines.found(row)
        let [committed, sealed, now] = [new Set(first), new Set(first), new Set(first)]
        for (const step of all) {
          if (step.do === 'change') {
            if (step.isIn) now.add(step.row)
            else now.delete(step.row)
            quarantines.note(step.row, step.isIn)
          } else if (step.do === 'seal') {
            // The one before is decided by then.
            committed = sealed
            sealed = new Set(now)
            quarantines.sealed()
          } else {
            if (step.do === 'abort') sealed = new Set(committed)
            else committed = sealed
            now = new Set(sealed)
            quarantines.undone((row) => now.has(row))
          }
          expect(quarantines.size).toBe(now.size)
        }
      }),
    )
  })
})
