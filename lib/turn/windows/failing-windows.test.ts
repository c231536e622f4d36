import fc from 'fast-check'
import { run, schedules, type WindowKind } from '../../../test/failing-windows.js'
import { runs } from '../../../test/runs.js'

describe('windows whose turns fail, wait, crash and are replayed hold what a batch gives', () => {
  it.each(['tumbling', 'hopping', 'session'] as const)('%s', async (window: WindowKind) => {
    await fc.assert(
      fc.asyncProperty(schedules, async (schedule) => {
        const { out, wanted, left } = await run(window, schedule)
        expect({ out, left }).toEqual({ out: wanted, left: [] })
      }),
      { numRuns: runs(8, 100) },
    )
  })
})
