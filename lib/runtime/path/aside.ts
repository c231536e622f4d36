import type { Intake } from './intake.js'
import type { WaitingPartition } from '../watch/waiting-partition.js'
import type { Reader } from './reader.js'

/**
 * What has been read in part and cannot be read on for now, since of an input that it feeds as many turns are under way as may be.
 * Others are read meanwhile; of its partition nothing else is, or records would overtake each other.
 */
export class Aside {
  readonly #intake: Intake
  readonly #readers: Reader[] = []

  constructor(intake: Intake) {
    this.#intake = intake
  }

  add(reader: Reader): void {
    this.#readers.push(reader)
    this.#intake.hold(reader.at)
  }

  /** The first that can be read on. */
  take(): Reader | undefined {
    const at = this.#readers.findIndex(({ isHeld }) => !isHeld)
    const [reader] = at < 0 ? [] : this.#readers.splice(at, 1)
    if (reader !== undefined) this.#intake.release(reader.at)
    return reader
  }

  /** Whether one can be read on. */
  get ready(): boolean {
    return this.#readers.some(({ isHeld }) => !isHeld)
  }

  /** Those that wait for what nobody answers for. */
  get waiting(): readonly WaitingPartition[] {
    return this.#readers.flatMap(({ waiting }) => waiting ?? [])
  }

  /** Forgets some of them. */
  drop(isGone: (reader: Reader) => boolean): void {
    const gone = this.#readers.filter(isGone)
    for (const reader of gone) {
      this.#readers.splice(this.#readers.indexOf(reader), 1)
      this.#intake.release(reader.at)
      this.#intake.done(reader.bytes)
    }
  }
}
