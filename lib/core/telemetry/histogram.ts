/** How many values were at most so large, since the start: plain numbers, and nothing is made for a value. */
export class Histogram {
  /** Upper bounds, ascending. */
  readonly bounds: readonly number[]
  /** Of each bound those above the one before it; the last is of what is above all. */
  readonly counts: Float64Array
  sum = 0
  count = 0

  constructor(bounds: readonly number[]) {
    this.bounds = bounds
    this.counts = new Float64Array(bounds.length + 1)
  }

  /** A clock that goes back, and whatever else is no amount, counts as nothing. */
  add(value: number): void {
    const amount = value > 0 && value < Infinity ? value : 0
    let at = 0
    while (at < this.bounds.length && amount > (this.bounds[at] as number)) at++
    this.counts[at] = (this.counts[at] as number) + 1
    this.sum += amount
    this.count++
  }
}

/** Seconds, from what a handler in memory takes to what one that asks a slow service does. */
export const turnSeconds = [
  0.000_001, 0.000_002_5, 0.000_005, 0.000_01, 0.000_025, 0.000_05, 0.000_1, 0.000_5, 0.001, 0.005, 0.025, 0.1, 0.5,
  2.5, 10, 30,
]
/** Seconds, of what a broker or a disk is waited for. */
export const waitSeconds = [0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]
export const commitBytes = [256, 1_024, 4_096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216]
export const commitRecords = [1, 4, 16, 64, 256, 1_024, 4_096, 16_384, 65_536, 262_144]
