import fc from 'fast-check'
import { moving } from '../../../test/failing-windows/moving.js'
import { accounted, beside, besideCalm } from '../../../test/failing-windows/run.js'
import type { WindowKind } from '../../../test/failing-windows/program.js'
import { releasing, schedules } from '../../../test/failing-windows/schedules.js'
import { runs } from '../../../test/runs.js'

const kinds: readonly WindowKind[] = ['tumbling', 'hopping', 'session']

describe('windows whose turns fail, wait, crash and are replayed', () => {
  it.each(kinds)('hold what a fold over their records gives: %s', async (window) => {
    await fc.assert(
      fc.asyncProperty(schedules, async (schedule) => {
        const { found, wanted } = await beside(window, schedule)
        expect(found).toEqual(wanted)
      }),
      { numRuns: runs(4, 20) },
    )
  })

  it.each(kinds)('find the same records late as if nothing had failed: %s', async (window) => {
    await fc.assert(
      fc.asyncProperty(schedules, async (schedule) => {
        const { found, wanted } = await besideCalm(window, schedule)
        expect(found).toEqual(wanted)
      }),
      { numRuns: runs(2, 8) },
    )
  })

  it.each(kinds)('account for every record once, also when objects are released: %s', async (window) => {
    await fc.assert(
      fc.asyncProperty(releasing, async (schedule) => {
        const { found, wanted, closed } = await accounted(window, schedule)
        expect(found).toEqual(wanted)
        expect(closed).toEqual([...new Set(closed)])
      }),
      { numRuns: runs(2, 12) },
    )
  })

  it.each(kinds)('hold the same when their tasks move: %s', async (window) => {
    await fc.assert(
      fc.asyncProperty(schedules, async (schedule) => {
        const { found, wanted } = await moving(window, schedule)
        expect(found).toEqual(wanted)
      }),
      { numRuns: runs(2, 12) },
    )
  })
})
