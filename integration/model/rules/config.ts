import type { Broken } from './rules.js'

/** What moves and checks look at. A case chooses it. */
export interface Config {
  readonly broken: Broken
  /** Whose transactions a taker aborts. Saves time only, so all of these must hold. */
  readonly fence: 'dead' | 'nobody' | 'anybody'
  /** What follows for retained tasks when a commit is aborted at an assignment: the library lets them go back; taking them over anew would do. */
  readonly afterAbort: 'anew' | 'rewind'
  /** Topics up to this number are not partitioned by key. */
  readonly arbitraryTopics: number
  /** How long the changelog keeps tombstones after they were first seen by the cleaner. */
  readonly retention: number
  readonly deletes: boolean
  readonly growth: boolean
  readonly standbys: boolean
  /** Offsets of a group that nobody is in expire. */
  readonly expiry: boolean
  /** Promises order per key over all partitions of a topic, which holds only where the producer partitions by key and no topic grows. */
  readonly orderPerKey: boolean
  readonly errors: boolean
  /** Brokers refuse what some records write. */
  readonly refusals: boolean
  readonly timers: boolean
  /** Records have times, and tasks a time that follows them. */
  readonly eventTime: boolean
  /** Some turns are asynchronous. */
  readonly slow: boolean
  /** Planned. */
  readonly crossing: boolean
}
