import { systemClock, type Clock } from '../lib/core/clock.js'
import { silentLogger } from '../lib/core/logger.js'
import type { RunnerOptions } from '../lib/connect/runner.js'
import type { SourceBatch, SourceConnector, SourceContext, SourceRecord } from '../lib/connect/source.js'
import type { MemoryLog } from '../lib/memory/memory-log.js'

/** What all runners of a test app have. */
export function runnerOptions(log: MemoryLog, more: Partial<RunnerOptions> = {}): RunnerOptions {
  return {
    app: 'app',
    log,
    clock: systemClock,
    logger: silentLogger,
    instanceId: undefined,
    sessionTimeoutMs: 10_000,
    createTopics: true,
    replicationFactor: -1,
    maxRecordBytes: 1_000_000,
    compression: 'none',
    version: undefined,
    onFailure: (error) => {
      throw error
    },
    ...more,
  }
}

/** Never a long pause between attempts. */
export const hastyClock: Clock = { ...systemClock, sleep: (ms, signal) => systemClock.sleep(Math.min(ms, 5), signal) }

export interface ArraySourceOptions {
  /** @default 3 */
  readonly batch?: number
  /** Called before each batch. */
  readonly before?: (context: SourceContext, position: number) => void | Promise<void>
  /** Whether it ends when all was given; otherwise it waits. @default false */
  readonly ends?: boolean
}

/** Gives the records of each of its partitions from a position on: their number. */
export function arraySource(
  records: Readonly<Record<string, readonly SourceRecord[]>>,
  { batch = 3, before, ends = false }: ArraySourceOptions = {},
): SourceConnector<number> {
  return {
    kind: 'array',
    delivery: 'replayable',
    partitions: Object.keys(records),
    async *open(context): AsyncGenerator<SourceBatch<number>> {
      const all = records[context.partition] ?? []
      for (let at = context.position ?? 0; at < all.length;) {
        await before?.(context, at)
        const next = all.slice(at, at + batch)
        at += next.length
        yield { records: next, position: at }
      }
      if (!ends) await untilAborted(context.signal)
    },
  }
}

/** Resolves when it holds; looks again and again, as it hears of nothing. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await systemClock.breathe()
}

export const untilAborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
