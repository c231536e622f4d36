import type { ActionName } from '../moves/actions.js'
import type { Config } from '../rules/config.js'
import type { Shape } from '../state/state.js'

/** What a case chooses; all else is drawn from the seed. */
export interface RunConfig extends Config {
  /** How often an action is tried, where it differs from `actions`. */
  readonly weights: Partial<Readonly<Record<ActionName, number>>>
  /** Parts of the shape that are not drawn from the seed. */
  readonly shape: Partial<Shape>
  /** All topics have as many partitions as there is state. */
  readonly alignedTopics: boolean
}

export const base: RunConfig = {
  broken: {},
  weights: {},
  shape: {},
  fence: 'dead',
  afterAbort: 'rewind',
  arbitraryTopics: 2,
  alignedTopics: false,
  retention: 500,
  deletes: false,
  growth: false,
  standbys: false,
  expiry: false,
  orderPerKey: false,
  errors: false,
  refusals: false,
  timers: false,
  eventTime: false,
  slow: false,
  crossing: false,
}

/** Every seed has another size: small ones reach strange states sooner, larger ones reach stranger states. */
export function drawShape(config: RunConfig, random: () => number): Shape {
  const oneOf = (...choices: readonly number[]): number => choices[Math.floor(random() * choices.length)] as number
  const stateTasks = random() < 0.35 ? 3 : 2
  const aligned = random() < 0.3 || config.alignedTopics
  return {
    stateTasks,
    topics: aligned ? [stateTasks] : [stateTasks, 1 + Math.floor(random() * (stateTasks + 1))],
    keys: 2 + Math.floor(random() * 4),
    records: 8 + Math.floor(random() * 22),
    processes: oneOf(2, 2, 3, 3, 4),
    steps: oneOf(1_500, 4_000, 8_000),
    ...config.shape,
  }
}
