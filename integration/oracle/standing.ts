import type { OracleProcess } from './child.js'

/** Resolves to a count once it has stood still for so long. */
export async function standing(by: OracleProcess, count: () => number, forMs: number): Promise<number> {
  let seen = count()
  let since = performance.now()
  await by.until(() => {
    if (count() !== seen) [seen, since] = [count(), performance.now()]
    return performance.now() - since > forMs
  })
  return seen
}
