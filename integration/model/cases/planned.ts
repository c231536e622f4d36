import type { Broken } from '../rules/rules.js'
import type { RunConfig } from '../run/config.js'
import { move, slow } from './weights.js'

const crossing = { crossing: true, weights: move }
const errors = { crossing: true, errors: true }
const everything = { crossing: true, errors: true, timers: true, deletes: true, growth: true, standbys: true }

/** Name, config: expected to hold. */
export const plannedCases: readonly (readonly [string, Partial<RunConfig>])[] = [
  ['planned: crossing', { crossing: true }],
  ['planned: crossing, moving fast', crossing],
  ['planned: crossing and errors', errors],
  ['planned: everything', everything],
  ['planned: everything, moving fast', { ...everything, weights: { ...move, flush: 10, trim: 6 } }],
  [
    'planned: everything, input spread over many takeovers',
    { ...everything, retention: 600, weights: { ...move, ...slow, flush: 10, trim: 6 } },
  ],
]

const earlyEnds = {
  crossing: true,
  shape: { stateTasks: 2, topics: [3], keys: 2, records: 24 },
  weights: { commit: 6, heartbeat: 40, endRound: 20, takeover: 40, leave: 0.2, kick: 0.1 },
}

/** What is broken, budget, config: expected to be caught. */
export const plannedMutations: readonly (readonly [Broken, number, Partial<RunConfig>])[] = [
  [{ 'loss-drops-current': 'lost-only' }, 1_000, crossing],
  [{ 'loss-drops-current': 'lost-and-partners' }, 10_000, crossing],
  [{ gate: 'none' }, 1_000, { crossing: true }],
  [{ gate: 'latched' }, 5_000, { ...errors, shape: { stateTasks: 2, topics: [3], keys: 2, records: 28 } }],
  [{ 'gate-end-uncommitted': 'lso' }, 20_000, { crossing: true, weights: { marker: 5 } }],
  [{ 'gate-end-after-offsets': 'before' }, 60_000, earlyEnds],
  [{ 'gate-after-own-hops': 'at-once' }, 10_000, crossing],
  [{ 'undo-drops-current': 'failing-only' }, 1_000, errors],
  [{ 'undo-drops-current': 'failing-and-source' }, 10_000, errors],
]
