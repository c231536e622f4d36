import type { OracleProcess } from './child.js'

/** What a broker has committed a process knows, and lists, only when it has been answered: after half a second without a commit. */
const quiet = 25

/**
 * Resolves to a count once it has stood still for so many statuses of a process, one every 20 ms: one that gets no CPU says
 * nothing, and is waited for.
 */
export async function standing(by: OracleProcess, count: () => number, statuses = quiet): Promise<number> {
  let seen = count()
  let since = by.statusesSinceReady
  await by.until(() => {
    if (count() !== seen) [seen, since] = [count(), by.statusesSinceReady]
    return by.statusesSinceReady - since > statuses
  })
  return seen
}

/** Resolves when a process knows of all its commits; there must be none to come. */
export async function hasHeard(one: OracleProcess): Promise<void> {
  await standing(one, () => one.last?.stats.commits ?? 0)
}
