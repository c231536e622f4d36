import fc from 'fast-check'
import { run, schedules } from '../../test/queries/schedule.js'
import { runs } from '../../test/runs.js'

/** Many more by hand: MILLRACE_RUNS=500 npx jest lib/query/random */
const numRuns = runs(15, 150)

describe('queries while instances start, stop, die and are expelled', () => {
  it(
    'are answered, and never with less than their token says, nor with more than was sent',
    async () => {
      await fc.assert(
        fc.asyncProperty(schedules, async (schedule) => {
          expect(await run(schedule)).toEqual([])
        }),
        { numRuns, endOnFailure: numRuns > 15 },
      )
    },
    numRuns * 20_000,
  )
})
