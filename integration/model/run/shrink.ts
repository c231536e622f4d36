import type { RunConfig } from './config.js'
import { run, type Step } from './run.js'

/** The steps of a violation without those that do not matter (ddmin); undefined when it does not show in a replay. */
export function shrink(config: RunConfig, seed: number): readonly Step[] | undefined {
  const fails = (script: readonly Step[]): boolean => {
    const { violation } = run(config, seed, { script })
    return violation !== undefined && !violation.startsWith('it never became quiet')
  }
  let steps = run(config, seed).steps
  if (!fails(steps)) return undefined
  for (let size = Math.max(1, steps.length >> 1); size >= 1; size >>= 1) {
    let shorter = true
    while (shorter) {
      const without = leaveOut(steps, size, fails)
      shorter = size === 1 && without.length < steps.length
      steps = without
    }
  }
  return steps
}

/** Leaves out pieces of this size wherever it still fails. */
function leaveOut(steps: readonly Step[], size: number, fails: (steps: readonly Step[]) => boolean): readonly Step[] {
  let kept = steps
  for (let at = 0; at < kept.length;) {
    const without = [...kept.slice(0, at), ...kept.slice(at + size)]
    if (fails(without)) kept = without
    else at += size
  }
  return kept
}
