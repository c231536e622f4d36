import fc from 'fast-check'
import { run, schedules } from '../../test/schedule.js'

/** Many more by hand: MILLRACE_RUNS=2000 npx jest lib/runtime/instances */
const numRuns = Number(process.env['MILLRACE_RUNS'] ?? 40)

describe('several instances of an app', () => {
  it(
    'process every record once and in order, whoever starts, stops, dies, is expelled or loses its disk',
    async () => {
      await fc.assert(
        fc.asyncProperty(schedules, async (schedule) => {
          expect(await run(schedule)).toEqual([])
        }),
        { numRuns, endOnFailure: process.env['MILLRACE_RUNS'] !== undefined },
      )
    },
    numRuns * 5_000,
  )
})
