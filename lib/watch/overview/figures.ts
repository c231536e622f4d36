import type { Engine } from '../../runtime/engine.js'
import type { Parts } from '../../runtime/parts.js'
import type { InstanceReport, Timed } from './shapes.js'

/** What is measured of commits and turns. */
export type Figures = Pick<InstanceReport, 'sinceCommitMs' | 'commitTime' | 'kinds' | 'written'>

export function figuresOf(engine: Engine): Figures {
  const { parts } = engine.watch.inside
  const kinds = engine.options.program.kinds.map(({ name }) => turnsOf(name, parts))
  if (parts === undefined) return { sinceCommitMs: undefined, commitTime: none, kinds, written: {} }
  const { took, written, lastAt } = parts.cycle.meter
  return {
    sinceCommitMs: took.count === 0 ? undefined : engine.options.clock.elapsed() - lastAt,
    commitTime: inMs(took),
    kinds,
    written: Object.fromEntries([...written].map(([topic, { records }]) => [topic, records])),
  }
}

const none: Timed = { count: 0, totalMs: 0 }

const inMs = ({ count, sum }: { readonly count: number; readonly sum: number }): Timed => ({
  count,
  totalMs: sum * 1_000,
})

/** Of all inputs of a kind, timers and the closing of windows included. */
function turnsOf(kind: string, parts: Parts | undefined): Figures['kinds'][number] {
  let [turns, count, totalMs] = [0, 0, 0]
  for (const { meter } of parts?.sources.get(kind)?.values() ?? []) {
    turns += meter.turnsSettled
    const timed = inMs(meter.took)
    count += timed.count
    totalMs += timed.totalMs
  }
  return { kind, turns, count, totalMs }
}
