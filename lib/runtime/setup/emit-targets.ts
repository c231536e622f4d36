import type { Clock } from '../../core/clock.js'
import { MillraceError, saying, type ErrorCode } from '../../core/errors.js'
import type { DemandTarget } from '../../model/names.js'

/** How soon it is looked again whether a topic that could not be written to can be by now, when something is emitted to it. */
const lookAgainMs = 1_000

/** What is wrong with one topic, and not with the app. */
const ofTopic: ReadonlySet<ErrorCode> = new Set(['TOPIC_MISSING', 'NOT_AUTHORIZED', 'BROKER_REFUSED'])

export interface EmitTargetsOptions {
  readonly clock: Clock
  /** Looks a topic up, or makes it. */
  readonly lookUp: (topic: string, wanted: number | undefined) => Promise<number>
}

interface Refusal {
  error: MillraceError
  since: number
  isLooking: boolean
  readonly wanted: number | undefined
}

/**
 * Topics that turns emit to and that nothing has declared. Each is looked up when the first records for it are to be committed. One
 * that is missing, or that the app may not look at, is noted, and all since the last commit is done again: this time each turn that
 * emits to it fails where it does so. So whose turn it was need not be looked for.
 */
export class EmitTargets {
  readonly #options: EmitTargetsOptions
  readonly #refusals = new Map<string, Refusal>()

  constructor(options: EmitTargetsOptions) {
    this.#options = options
  }

  /** Throws why a topic cannot be written to, as far as that is known. */
  readonly demand: DemandTarget = (topic, where) => {
    if (this.#refusals.size === 0) return
    const refusal = this.#refusals.get(topic)
    if (refusal === undefined) return
    void this.#lookAgain(topic, refusal)
    throw saying(where, { topic }, refusal.error)
  }

  /** How many partitions it has; undefined when turns that emit to it are to fail. Rejects with what stops the app. */
  async find(topic: string, wanted: number | undefined): Promise<number | undefined> {
    const { clock, lookUp } = this.#options
    try {
      const partitions = await lookUp(topic, wanted)
      this.#refusals.delete(topic)
      return partitions
    } catch (error) {
      if (!isOf(topic, error)) throw error
      this.#refusals.set(topic, { error, since: clock.elapsed(), isLooking: false, wanted })
      return undefined
    }
  }

  /** What could not be seen is seen later. */
  async #lookAgain(topic: string, refusal: Refusal): Promise<void> {
    const { clock, lookUp } = this.#options
    if (refusal.isLooking || clock.elapsed() - refusal.since < lookAgainMs) return
    refusal.isLooking = true
    try {
      await lookUp(topic, refusal.wanted)
      this.#refusals.delete(topic)
    } catch (error) {
      if (isOf(topic, error)) refusal.error = error
    }
    refusal.since = clock.elapsed()
    refusal.isLooking = false
  }
}

const isOf = (topic: string, error: unknown): error is MillraceError =>
  MillraceError.is(error) && error.topic === topic && ofTopic.has(error.code)
