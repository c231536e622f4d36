import { systemClock } from '../../core/clock.js'
import { silentLogger } from '../../core/logger.js'
import { RestoreWatch, type RestoreReport } from './restore-watch.js'

interface Restoring {
  readonly watch: RestoreWatch
  readonly reports: RestoreReport[]
  readonly lines: string[]
  /** Each task restores so many records a second until it has them all; it is looked every 100 ms. */
  restore(tasks: Readonly<Record<number, number>>, perSecond: number): void
}

function restoring(): Restoring {
  let now = 0
  const lines: string[] = []
  const logger = { ...silentLogger, info: (_: object, message?: string) => void lines.push(message ?? '') }
  const watch = new RestoreWatch({ ...systemClock, elapsed: () => now }, logger)
  const reports: RestoreReport[] = []
  watch.onReport((report) => reports.push(report))
  return {
    watch,
    reports,
    lines,
    restore(tasks, perSecond) {
      const left = new Set(Object.keys(tasks).map(Number))
      const began = now
      const report = (): void => {
        for (const task of left) {
          const end = tasks[task]!
          const records = Math.min(end, Math.floor(((now - began) / 1_000) * perSecond))
          watch.progress({ task, records, bytes: records * 100, position: records, end })
          if (records === end) left.delete(task)
        }
      }
      report()
      while (left.size > 0) {
        now += 100
        report()
        watch.look(left)
      }
    },
  }
}

describe('the progress of a restore', () => {
  it('is known of each task, as far as it has begun', () => {
    const { watch } = restoring()
    watch.progress({ task: 1, records: 40, bytes: 400, position: 50, end: 200 })
    expect(watch.of(1)).toEqual({ task: 1, records: 40, position: 50, end: 200 })
    expect(watch.of(2)).toEqual({ task: 2, records: 0, position: undefined, end: undefined })
    watch.look(new Set([2]))
    expect(watch.of(1)).toEqual({ task: 1, records: 0, position: undefined, end: undefined })
  })

  it('is reported once a second over all tasks with rate and time to go, and once at the end', () => {
    const { restore, reports } = restoring()
    restore({ 1: 3_000, 3: 1_500 }, 1_000)
    expect(reports).toEqual([
      {
        tasks: [1, 3],
        records: 2_000,
        bytes: 200_000,
        remaining: 2_500,
        recordsPerSecond: 2_000,
        etaMs: 1_250,
        done: false,
      },
      {
        tasks: [1],
        records: 3_500,
        bytes: 350_000,
        remaining: 1_000,
        recordsPerSecond: 1_500,
        etaMs: 667,
        done: false,
      },
      { tasks: [1, 3], records: 4_500, bytes: 450_000, remaining: 0, recordsPerSecond: 1_500, etaMs: 0, done: true },
    ])
  })

  it('is logged every five seconds and at the end', () => {
    const { restore, lines, watch } = restoring()
    restore({ 0: 1_200_000, 1: 1_200_000 }, 100_000)
    expect(lines).toEqual([
      'restoring 2 tasks: 1.0 M of 2.4 M records, 200 k/s, about 7 s to go',
      'restoring 2 tasks: 2.0 M of 2.4 M records, 200 k/s, about 2 s to go',
      'restored 2 tasks: 2.4 M records in 12 s, 200 k/s',
    ])
    expect(watch.text).toBeUndefined()
  })

  it('is one report and no line when it takes a moment', () => {
    const { restore, reports, lines } = restoring()
    restore({ 2: 10 }, 1_000)
    expect(reports).toEqual([
      { tasks: [2], records: 10, bytes: 1_000, remaining: 0, recordsPerSecond: 100, etaMs: 0, done: true },
    ])
    expect(lines).toEqual([])
  })

  it('is nothing when there is nothing to restore', () => {
    const { watch, reports } = restoring()
    watch.look(new Set([0, 1]))
    watch.look(new Set())
    expect(reports).toEqual([])
  })

  it('says what was left when tasks are given up', () => {
    const { watch, reports } = restoring()
    watch.progress({ task: 0, records: 10, bytes: 100, position: 10, end: 50 })
    watch.look(new Set())
    expect(reports).toMatchObject([{ tasks: [0], records: 10, remaining: 40, done: true }])
  })

  it('begins anew with the next restore', () => {
    const { restore, reports } = restoring()
    restore({ 0: 100 }, 1_000)
    restore({ 1: 200 }, 1_000)
    expect(reports.map(({ tasks, records }) => [tasks, records])).toEqual([
      [[0], 100],
      [[1], 200],
    ])
  })
})
