import fc from 'fast-check'
import { accounted, beside, besideCalm, releasing, schedules, type WindowKind } from '../../../test/failing-windows.js'
import { runs } from '../../../test/runs.js'

const kinds: readonly WindowKind[] = ['tumbling', 'hopping', 'session']

describe('windows whose turns fail, wait, crash and are replayed', () => {
  it.each(kinds)('hold what a fold over their records gives: %s', async (window) => {
    await fc.assert(
      fc.asyncProperty(schedules, async (schedule) => {
        const { found, wanted } = await beside(window, schedule)
        expect(found).toEqual(wanted)
      }),
      { numRuns: runs(6, 100) },
    )
  })

  it.each(kinds)('find the same records late as if nothing had failed: %s', async (window) => {
    await fc.assert(
      fc.asyncProperty(schedules, async (schedule) => {
        const { found, wanted } = await besideCalm(window, schedule)
        expect(found).toEqual(wanted)
      }),
      { numRuns: runs(2, 40) },
    )
  })

  it.each(kinds)('account for every record once, also when objects are released: %s', async (window) => {
    await fc.assert(
      fc.asyncProperty(releasing, async (schedule) => {
        const { found, wanted, closed } = await accounted(window, schedule)
        expect(found).toEqual(wanted)
        expect(closed).toEqual([...new Set(closed)])
      }),
      { numRuns: runs(4, 60) },
    )
  })
})
