import fc from 'fast-check'
import { runs } from '../../test/runs.js'
import { run, schedules } from '../../test/schedule.js'

/** Many more by hand: MILLRACE_RUNS=2000 npx jest lib/runtime/instances */
const numRuns = runs(30, 300)

describe('several instances of an app', () => {
  it(
    'process every record once and in order, whoever starts, stops, dies, is expelled or loses its disk',
    async () => {
      await fc.assert(
        fc.asyncProperty(schedules, async (schedule) => {
          expect(await run(schedule)).toEqual([])
        }),
        { numRuns, endOnFailure: numRuns > 30 },
      )
    },
    numRuns * 5_000,
  )
})
