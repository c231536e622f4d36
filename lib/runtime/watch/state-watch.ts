import { isHeard, publish } from '../../core/telemetry/channels.js'
import type { Clock } from '../../core/clock.js'
import type { Logger } from '../../core/logger.js'
import type { AppState, Judgement } from './app-state.js'
import { Listeners } from './listeners.js'

/** A change of `health().state`. */
export interface StateChange {
  /** What was told last. */
  readonly from: AppState
  readonly to: AppState
  /** Why it is not `running`; undefined when it is. */
  readonly reason: string | undefined
}

/** What is over sooner is not told: a commit that is refused and made again takes milliseconds. */
const settleMs = 250

/** Tells and logs changes of state, each once. */
export class StateWatch {
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #app: string
  readonly #listeners: Listeners<StateChange>
  #told: AppState = 'starting'
  /** Since when it is in another state than the one told last. */
  #otherSince: number | undefined

  constructor(app: string, clock: Clock, logger: Logger) {
    this.#app = app
    this.#clock = clock
    this.#logger = logger
    this.#listeners = new Listeners('state changes', logger)
  }

  onChange(listener: (change: StateChange) => void): () => void {
    return this.#listeners.add(listener)
  }

  look({ state, reason }: Judgement): void {
    if (state === this.#told) {
      this.#otherSince = undefined
      return
    }
    const now = this.#clock.elapsed()
    this.#otherSince ??= now
    if (!isTold(state) && this.#told !== 'starting' && now - this.#otherSince < settleMs) return
    const change: StateChange = { from: this.#told, to: state, reason }
    this.#told = state
    this.#otherSince = undefined
    const message = `app '${this.#app}' is ${state} (was ${change.from})${reason === undefined ? '' : `: ${reason}`}`
    if (state === 'degraded') this.#logger.warn({ ...change }, message)
    else this.#logger.info({ ...change }, message)
    this.#listeners.tell(change)
    if (isHeard('millrace:state')) publish('millrace:state', { app: this.#app, ...change })
  }
}

/** These stay, or end a state that has stayed. */
const isTold = (state: AppState): boolean => state === 'running' || state === 'closed' || state === 'degraded'
