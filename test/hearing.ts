import { systemClock } from '../lib/core/clock.js'
import type { JoinOptions, LogPort, Membership } from '../lib/log/port.js'

/** Between a member and its group: news of a loss can come late, and after a death nothing is left by itself. */
export class Hearing {
  readonly #log: LogPort
  /** How long news of a round, and of an assignment, are under way. */
  readonly #newsMs: number
  /** Of the last assignment that was handed on. */
  memberId: string | undefined
  /** How late the next news of a loss comes. */
  lagMs = 0
  #heard: Promise<void> = Promise.resolve()
  /** Then `leave` does nothing: a dead process does not say goodbye. */
  deaf = false

  constructor(log: LogPort, newsMs: number) {
    this.#log = log
    this.#newsMs = newsMs
  }

  /** Resolves when no news is on its way. */
  async heard(): Promise<void> {
    // What the group has decided takes a turn of the event loop to be told.
    await systemClock.breathe()
    await systemClock.breathe()
    await this.#heard
  }

  async #late(): Promise<void> {
    if (this.#newsMs > 0) await systemClock.sleep(this.#newsMs)
    await this.#heard
  }

  async join(options: JoinOptions): Promise<Membership> {
    const membership = await this.#log.join({
      ...options,
      onRevoke: async () => {
        await this.#late()
        await options.onRevoke()
      },
      onAssign: async (generation, ...rest) => {
        await this.#late()
        this.memberId = generation.memberId
        await options.onAssign(generation, ...rest)
      },
      onLost: (reason, fatal) => {
        this.memberId = undefined
        const lagMs = this.lagMs
        this.lagMs = 0
        if (lagMs === 0) options.onLost(reason, fatal)
        else this.#heard = systemClock.sleep(lagMs).then(() => options.onLost(reason, fatal))
      },
    })
    return {
      get generation() {
        return membership.generation
      },
      rejoin: (reason) => membership.rejoin(reason),
      leave: () => (this.deaf ? Promise.resolve() : membership.leave()),
    }
  }
}
