import type { ActionName } from './actions.js'
import type { Broken } from './rules.js'

/** What a case chooses; all else is drawn from the seed. */
export interface Config {
  readonly broken: Broken
  /** How often an action is tried, where it differs from `actions`. */
  readonly weights: Partial<Readonly<Record<ActionName, number>>>
  /** Parts of the shape that are not drawn from the seed. */
  readonly shape: Partial<Shape>
  /** Whose transactions a taker aborts. Saves time only, so all of these must hold. */
  readonly fence: 'dead' | 'nobody' | 'anybody'
  /** What follows for retained tasks when a commit is aborted at an assignment: the library lets them go back; taking them over anew would do. */
  readonly afterAbort: 'anew' | 'rewind'
  /** Topics up to this number are not partitioned by key. */
  readonly arbitraryTopics: number
  /** All topics have as many partitions as there is state. */
  readonly alignedTopics: boolean
  /** How long the changelog keeps tombstones after they were first seen by the cleaner. */
  readonly retention: number
  readonly deletes: boolean
  readonly growth: boolean
  readonly standbys: boolean
  /** Promises order per key over all partitions of a topic, which holds only where the producer partitions by key and no topic grows. */
  readonly orderPerKey: boolean
  // Planned features.
  readonly crossing: boolean
  readonly errors: boolean
  readonly timers: boolean
}

/** The size of a run. */
export interface Shape {
  /** Tasks that have state: partitions of changelog and inbox. */
  readonly stateTasks: number
  /** Partitions of each source topic. */
  readonly topics: readonly number[]
  readonly keys: number
  readonly records: number
  readonly processes: number
  /** Actions tried before the faults stop. */
  readonly steps: number
}

export const base: Config = {
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
  orderPerKey: false,
  crossing: false,
  errors: false,
  timers: false,
}

/** Every seed has another size: small ones reach strange states sooner, larger ones reach stranger states. */
export function drawShape(config: Config, random: () => number): Shape {
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
