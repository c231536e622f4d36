import { monitorEventLoopDelay, performance, type IntervalHistogram } from 'node:perf_hooks'

/** What is told is of so long at least, whoever asks how often. */
const windowMs = 10_000
const resolutionMs = 20

/** How late the event loop runs; measured from the first question on, and until the end. */
export class LoopDelay {
  #histogram: IntervalHistogram | undefined
  #since = 0
  #told: ReadonlyMap<string, number> | undefined
  #ended = false

  /** Seconds by percentile; undefined as long as nothing was measured. */
  read(): ReadonlyMap<string, number> | undefined {
    if (this.#ended) return this.#told
    const now = performance.now()
    if (this.#histogram === undefined) {
      this.#histogram = monitorEventLoopDelay({ resolution: resolutionMs })
      this.#histogram.enable()
      this.#since = now
    } else if (this.#told === undefined || now - this.#since >= windowMs) {
      this.#told = percentiles(this.#histogram) ?? this.#told
      this.#histogram.reset()
      this.#since = now
    }
    return this.#told
  }

  get utilization(): number {
    return performance.eventLoopUtilization().utilization
  }

  end(): void {
    this.#ended = true
    this.#histogram?.disable()
  }
}

/** What is measured is the time between two ticks of a timer, its interval included. */
function percentiles(histogram: IntervalHistogram): ReadonlyMap<string, number> | undefined {
  if (histogram.count === 0) return undefined
  const seconds = (ns: number): number => Math.max(0, ns / 1e6 - resolutionMs) / 1_000
  return new Map([
    ['50', seconds(histogram.percentile(50))],
    ['99', seconds(histogram.percentile(99))],
    ['100', seconds(histogram.max)],
  ])
}
