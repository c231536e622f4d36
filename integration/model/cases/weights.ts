import type { RunConfig } from '../run/config.js'

type Weights = RunConfig['weights']

/** Tasks move all the time. */
export const move: Weights = { commit: 9, heartbeat: 30, endRound: 16, takeover: 40, leave: 0.15, kick: 0.1 }

/** Input comes slowly, so that it is spread over many takeovers. */
export const slow: Weights = { produce: 0.8, start: 4, sessionTimeout: 0.5, crash: 0.15, leave: 0.1, kick: 0.1 }

/** Stores are written often, and lose their process. */
export const store: Weights = { flush: 14, crash: 0.15, kick: 0.1, compact: 3 }
