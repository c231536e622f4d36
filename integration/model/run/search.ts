import { newCounts, type Counts } from '../state/counts.js'
import type { RunConfig } from './config.js'
import { run } from './run.js'

export interface Found {
  readonly runs: number
  /** By seed: what was violated. */
  readonly violations: ReadonlyMap<number, string>
  /** Sums over all runs. */
  readonly counts: Counts
}

/** Runs seeds 1, 2, 3, …, until there are as many violations as wanted. */
export function search(config: RunConfig, runs: number, enough = 1): Found {
  const violations = new Map<number, string>()
  const counts = newCounts()
  let seed = 0
  while (seed < runs && violations.size < enough) {
    const outcome = run(config, ++seed)
    for (const name of Object.keys(counts) as (keyof Counts)[]) counts[name] += outcome.counts[name]
    if (outcome.violation !== undefined) violations.set(seed, outcome.violation)
  }
  return { runs: seed, violations, counts }
}
