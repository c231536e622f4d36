import { systemClock } from '../../core/clock.js'
import { durationMs } from '../../core/duration.js'
import type { SourceConnector, SourceContext } from '../../connect/source.js'
import { checkSourceOptions, type SingerSourceOptions } from './source-options.js'
import { runTap } from './tap-run.js'
import type { TapBatch, TapPosition } from './tap-batches.js'

/**
 * Records that a program writes on its stdout as Singer messages (`SCHEMA`, `RECORD`, `STATE`, one JSON object a line), such as a tap
 * from PyPI or twenty lines of Python. Its last committed STATE is handed back to it as `--state FILE`; a program that goes on from
 * there delivers each record exactly once. Throws `OPTIONS_INVALID`.
 */
export function singerSource(options: SingerSourceOptions): SourceConnector<TapPosition> {
  checkSourceOptions(options)
  const given = Object.freeze({ ...options })
  return Object.freeze({
    kind: 'singer',
    delivery: given.beforeState === 'commit' || given.commitsToStdin === true ? 'acknowledged' : 'replayable',
    open: (context: SourceContext<TapPosition>) => runs(given, context),
  })
}

/** One run after the other. */
async function* runs(options: SingerSourceOptions, context: SourceContext<TapPosition>): AsyncGenerator<TapBatch> {
  const pauseMs = durationMs(options.every ?? '1m', 'every')
  let position = context.position ?? {}
  while (!context.signal.aborted) {
    if (position.endedAt !== undefined) {
      if (options.once === true) await untilAborted(context.signal)
      // A clock that was set back must not make it a long wait.
      const since = Math.max(0, systemClock.now() - position.endedAt)
      await systemClock.sleep(pauseMs - Math.min(pauseMs, since), context.signal)
      if (context.signal.aborted) return
    }
    for await (const batch of runTap(options, context, position)) {
      position = batch.position ?? position
      yield batch
    }
  }
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
