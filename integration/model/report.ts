import { rules } from './rules/rules.js'
import type { RunConfig } from './run/config.js'
import { run } from './run/run.js'
import type { Found } from './run/search.js'
import { shrink } from './run/shrink.js'
import type { Counts } from './state/counts.js'

/** One line: how many runs, how many violations, where the first is, and what runs have seen. */
export function line(name: string, { runs, violations, counts }: Found, ms: number): string {
  const [first] = violations
  const found = `${violations.size} violations${first === undefined ? '' : ` (1 in ${Math.round(runs / violations.size)}, first seed ${first[0]})`}`
  return `${name} | ${runs} runs, ${Math.round((runs / Math.max(1, ms)) * 1_000)}/s | ${found} | per run: ${averages(counts, runs)}`
}

function averages(counts: Counts, runs: number): string {
  return Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([name, count]) => `${name} ${(count / runs).toFixed(2)}`)
    .join(', ')
}

/** What a mutation does, beside what the rule says. */
export function explained(config: RunConfig): string {
  return Object.entries(config.broken)
    .map(([name, variant]) => {
      const rule = rules.find((other) => other.name === name)
      return `    rule:    ${rule?.says}\n    instead: ${rule?.wrong[variant]}`
    })
    .join('\n')
}

/** The shortest of some violations, in sentences. */
export function shortestTrace(config: RunConfig, { violations }: Found): string {
  const shrunk = [...violations.keys()].map((seed) => ({ seed, steps: shrink(config, seed) }))
  const sizes = shrunk.map(({ steps }) => steps?.length ?? Infinity)
  const at = sizes.indexOf(Math.min(...sizes))
  const { seed, steps } = shrunk[at] ?? { seed: 0, steps: undefined }
  if (steps === undefined) return `    seed ${seed}: needs the whole run, see --seed ${seed} --trace`
  const { trace, violation } = run(config, seed, { script: steps, tracing: true })
  return [`    seed ${seed}, ${steps.length} steps:`, ...trace.map(indented), `    VIOLATION: ${violation}`].join('\n')
}

/** The whole run of one seed. */
export function fullTrace(config: RunConfig, seed: number): string {
  const { trace, violation } = run(config, seed, { tracing: true })
  return [...trace.map(indented), `    ${violation === undefined ? 'no violation' : `VIOLATION: ${violation}`}`].join(
    '\n',
  )
}

const indented = (sentence: string): string => `    ${sentence}`
