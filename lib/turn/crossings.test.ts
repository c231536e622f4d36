import fc from 'fast-check'
import { run } from '../../test/crossing/run.js'
import { releasing, schedules } from '../../test/crossing/schedules.js'
import { runs } from '../../test/runs.js'

/** Many more by hand: MILLRACE_RUNS=200 npx jest lib/turn/crossings */
const numRuns = runs(3, 60)
const options = { numRuns, endOnFailure: numRuns > 3 }

describe('kinds of all sorts whose turns take longer than commits wait, fail, are due, hop and are replayed', () => {
  it(
    'come to what a fold over the records gives, whoever starts, stops, dies or is expelled',
    async () => {
      await fc.assert(
        fc.asyncProperty(schedules, async (schedule) => {
          expect(await run(schedule)).toEqual([])
        }),
        options,
      )
    },
    numRuns * 30_000,
  )

  it(
    'account for every record once, also when quarantines are lifted',
    async () => {
      await fc.assert(
        fc.asyncProperty(releasing, async (schedule) => {
          expect(await run(schedule)).toEqual([])
        }),
        options,
      )
    },
    numRuns * 30_000,
  )
})
