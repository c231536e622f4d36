/** The longest time between two arrivals that overlaps `from` to `to`; `arrivals` in order. */
export function longestGap(arrivals: readonly number[], from: number, to: number): number {
  return Math.max(0, ...gaps(arrivals, from, to))
}

/** The times between arrivals that overlap `from` to `to`; a silence that has not ended counts up to `to`. */
export function gaps(arrivals: readonly number[], from: number, to: number): readonly number[] {
  const found: number[] = []
  for (let i = arrivals.length; i > 0; i--) {
    const begin = arrivals[i - 1]!
    const end = arrivals[i] ?? to
    if (end < from) break
    if (begin < to) found.push(Math.min(end, to) - begin)
  }
  return found
}

export interface Figure {
  readonly min: number
  readonly median: number
  readonly max: number
  readonly runs: number
}

export function figure(values: readonly number[]): Figure {
  const sorted = [...values].sort((a, b) => a - b)
  const at = (index: number): number => Math.round(sorted[index] ?? NaN)
  return {
    min: at(0),
    median: Math.round(medianOf(sorted)),
    max: at(sorted.length - 1),
    runs: sorted.length,
  }
}

function medianOf(sorted: readonly number[]): number {
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}
