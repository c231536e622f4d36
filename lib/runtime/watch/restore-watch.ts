import type { Clock } from '../../core/clock.js'
import type { Logger } from '../../core/logger.js'
import type { RestoreProgress } from '../../state/take-over.js'
import { Listeners } from './listeners.js'

/** How far tasks are that are being restored from their changelogs. */
export interface RestoreReport {
  /** Tasks that are being restored; in the last report, all that were. */
  readonly tasks: readonly number[]
  /** Changelog records applied since the restore began. */
  readonly records: number
  /** Bytes of changelog read since then. */
  readonly bytes: number
  /** Changelog offsets still to pass. At most so many records: control records and gaps count too. */
  readonly remaining: number
  /** Over the last second or so; in the last report, over the whole restore. */
  readonly recordsPerSecond: number
  /** Milliseconds until it is done at this rate; undefined as long as nothing can be said, 0 in the last report. */
  readonly etaMs: number | undefined
  /** No more of this restore follows. */
  readonly done: boolean
}

/** How far one task is. */
export interface Restoring {
  readonly task: number
  readonly records: number
  /** Changelog offsets passed, and those there were to pass; undefined as long as that is not known. */
  readonly position: number | undefined
  readonly end: number | undefined
}

const reportMs = 1_000
const logMs = 5_000
/** A shorter restore is not worth a line of its own. */
const longMs = 1_000

interface Moment {
  readonly at: number
  readonly records: number
  readonly passed: number
}

/** Gathers what tasks that are being taken over report, and tells and logs it at a rate people can follow. */
export class RestoreWatch {
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #listeners: Listeners<RestoreReport>
  readonly #tasks = new Map<number, RestoreProgress>()
  readonly #ended = new Map<number, RestoreProgress>()
  #began: number | undefined
  #told: Moment = { at: 0, records: 0, passed: 0 }
  #loggedAt = 0
  #last: RestoreReport | undefined

  constructor(clock: Clock, logger: Logger) {
    this.#clock = clock
    this.#logger = logger
    this.#listeners = new Listeners('restore progress', logger)
  }

  onReport(listener: (report: RestoreReport) => void): () => void {
    return this.#listeners.add(listener)
  }

  progress(progress: RestoreProgress): void {
    if (this.#began === undefined) {
      this.#began = this.#clock.elapsed()
      this.#told = { at: this.#began, records: 0, passed: 0 }
      this.#loggedAt = this.#began
    }
    this.#ended.delete(progress.task)
    this.#tasks.set(progress.task, progress)
  }

  of(task: number): Restoring {
    const { records = 0, position, end } = this.#tasks.get(task) ?? {}
    return { task, records, position, end }
  }

  /** `taking`: tasks being taken over now; others are done, or were given up. */
  look(taking: ReadonlySet<number>): void {
    if (this.#began === undefined) return
    for (const [task, progress] of this.#tasks) {
      if (taking.has(task)) continue
      this.#tasks.delete(task)
      this.#ended.set(task, progress)
    }
    const now = this.#clock.elapsed()
    if (this.#tasks.size === 0) return this.#end(now, this.#began)
    if (now - this.#told.at >= reportMs) this.#tell(now)
    if (this.#last === undefined || now - this.#loggedAt < logMs) return
    this.#loggedAt = now
    this.#logger.info({ ...this.#last }, `restoring ${count(this.#tasks.size, 'task')}: ${this.text}`)
  }

  /** What was told last of the restore that goes on; undefined when there is none, or nothing was told of it yet. */
  get last(): RestoreReport | undefined {
    return this.#last
  }

  /** As people read it; undefined when nothing is being restored, or too little is known. */
  get text(): string | undefined {
    if (this.#last === undefined) return undefined
    const { records, remaining, recordsPerSecond, etaMs } = this.#last
    const eta = etaMs === undefined ? '' : `, about ${duration(etaMs)} to go`
    return `${short(records)} of ${short(records + remaining)} records, ${short(recordsPerSecond)}/s${eta}`
  }

  #tell(now: number): void {
    const { records, bytes, passed, remaining } = this.#sums()
    const seconds = (now - this.#told.at) / 1_000
    const passedPerSecond = (passed - this.#told.passed) / seconds
    this.#last = {
      tasks: [...this.#tasks.keys()].sort(byNumber),
      records,
      bytes,
      remaining,
      recordsPerSecond: Math.max(0, Math.round((records - this.#told.records) / seconds)),
      etaMs: passedPerSecond <= 0 ? undefined : Math.round((remaining / passedPerSecond) * 1_000),
      done: false,
    }
    this.#told = { at: now, records, passed }
    this.#listeners.tell(this.#last)
  }

  #end(now: number, began: number): void {
    const { records, bytes, remaining } = this.#sums()
    const tasks = [...this.#ended.keys()].sort(byNumber)
    const ms = Math.max(1, now - began)
    const recordsPerSecond = Math.round((records / ms) * 1_000)
    const report = { tasks, records, bytes, remaining, recordsPerSecond, etaMs: 0, done: true }
    this.#began = undefined
    this.#last = undefined
    this.#ended.clear()
    if (ms > longMs) {
      // What remains was given up with its tasks: they went to another member, or the app closes.
      const left = remaining === 0 ? '' : `, ${short(remaining)} left undone`
      const what = `${short(records)} records in ${duration(ms)}, ${short(recordsPerSecond)}/s${left}`
      this.#logger.info({ ...report }, `restored ${count(tasks.length, 'task')}: ${what}`)
    }
    this.#listeners.tell(report)
  }

  #sums(): { records: number; bytes: number; passed: number; remaining: number } {
    const sums = { records: 0, bytes: 0, passed: 0, remaining: 0 }
    for (const { records, bytes, position, end } of [...this.#tasks.values(), ...this.#ended.values()]) {
      sums.records += records
      sums.bytes += bytes
      sums.passed += position
      sums.remaining += end - position
    }
    return sums
  }
}

const byNumber = (a: number, b: number): number => a - b
const count = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`

/** 940, 12 k, 1.2 M. */
function short(n: number): string {
  if (n >= 999_500) return `${(n / 1e6).toFixed(1)} M`
  return n >= 1_000 ? `${Math.round(n / 1_000)} k` : String(n)
}

function duration(ms: number): string {
  if (ms < 100_000) return `${ms < 10_000 ? Math.round(ms / 100) / 10 : Math.round(ms / 1_000)} s`
  return `${Math.round(ms / 60_000)} min`
}
