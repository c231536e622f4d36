/** Milliseconds since the epoch with their fractions, the same in all processes of this machine. */
export const wallClock = (): number => performance.timeOrigin + performance.now()

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** Looks until `test` holds. Rejects after `withinMs`, naming what was waited for. */
export async function until(what: string, withinMs: number, test: () => boolean): Promise<void> {
  const end = performance.now() + withinMs
  while (!test()) {
    if (performance.now() > end) throw new Error(`${what}: not within ${withinMs} ms`)
    await pause(5)
  }
}
