import type { Engine } from '../../runtime/engine.js'
import type { InstanceReport } from './shapes.js'

/** What is measured of commits and turns. */
export type Figures = Pick<InstanceReport, 'sinceCommitMs' | 'commitTime' | 'kinds' | 'written'>

export function figuresOf(engine: Engine): Figures {
  const kinds = engine.options.program.kinds.map(({ name }) => ({ kind: name, turns: 0, count: 0, totalMs: 0 }))
  return { sinceCommitMs: undefined, commitTime: { count: 0, totalMs: 0 }, kinds, written: {} }
}
