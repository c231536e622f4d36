import type { Family } from '../options.js'
import type { ChaosWorld } from '../world.js'

/** One way to break something. Leaves the world such that the app can go on, though perhaps with fewer instances. */
export interface Fault {
  readonly family: Family
  readonly name: string
  /** How often, compared with others. */
  readonly weight: number
  /** Whether it makes sense now. */
  readonly fits?: (world: ChaosWorld) => boolean
  /** Resolves to what was done, for the progress line. */
  readonly run: (world: ChaosWorld) => Promise<string>
}
