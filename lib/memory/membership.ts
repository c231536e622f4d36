import { MillraceError, reasonOf } from '../core/errors.js'
import type { Assignment, Generation, JoinOptions, Membership } from '../log/port.js'
import type { Broker } from './broker/broker.js'
import type { Group, Joined } from './broker/group.js'

/** A member of a group on the embedded log: joins, hands out what it is assigned, and joins again when a round is called. */
export class MemoryMembership implements Membership {
  readonly #broker: Broker
  readonly #options: JoinOptions
  readonly #group: Group
  readonly #onEnd: () => void
  #generation: Generation
  #memberId = ''
  /** The generation whose assignment was received last, without a loss since. */
  #received: number | undefined
  /** Something was assigned since the last barrier. */
  #holding = false
  #roundDue = true
  #ended = false
  #wake: () => void = () => undefined
  /** Until `onLost` has been told. */
  #telling: Promise<void> = Promise.resolve()

  constructor(broker: Broker, options: JoinOptions, onEnd: () => void) {
    this.#broker = broker
    this.#options = options
    this.#onEnd = onEnd
    this.#group = broker.groups.group(options.group)
    this.#generation = { group: options.group, generationId: -1, memberId: '' }
  }

  /** Resolves when the first assignment has been handed to `onAssign` and that is done; rejects when a callback fails before. */
  async start(): Promise<void> {
    const { signal } = this.#options
    const stop = (): void => this.#end()
    signal?.addEventListener('abort', stop)
    try {
      await this.#broker.clock.breathe()
      if (signal?.aborted === true) stop()
      await new Promise<void>((resolve, reject) => {
        this.#run(resolve).catch(reject)
      })
    } finally {
      signal?.removeEventListener('abort', stop)
    }
  }

  get generation(): Generation {
    return this.#generation
  }

  rejoin(_reason: string): void {
    this.#callRound()
  }

  async leave(): Promise<void> {
    this.#end()
    await this.#broker.clock.breathe()
  }

  /** Rejects only before the first assignment; afterwards the member is told that it is lost. */
  async #run(assigned: () => void): Promise<void> {
    let handedOut = false
    try {
      for (;;) {
        while (!this.#roundDue && !this.#ended) await new Promise<void>((resolve) => (this.#wake = resolve))
        if (this.#ended) break
        if (!(await this.#round())) continue
        handedOut = true
        assigned()
      }
      await this.#telling
      if (!handedOut)
        throw new MillraceError('MEMBER_UNKNOWN', `Left group '${this.#group.name}' before it had joined.`)
    } catch (error) {
      this.#end()
      if (!handedOut) throw error
      await this.#tellLost(`a callback of group '${this.#group.name}' failed: ${reasonOf(error)}`, true)
    }
  }

  /** True when an assignment was handed out. */
  async #round(): Promise<boolean> {
    const { onRevoke, onAssign, tell } = this.#options
    if (this.#holding) {
      this.#holding = false
      await onRevoke()
    }
    await this.#telling
    if (this.#ended) return false
    this.#roundDue = false
    if (this.#memberId === '') this.#memberId = this.#group.newMemberId(this.#options.instanceId)
    const joined = await this.#group.join({
      memberId: this.#memberId,
      instanceId: this.#options.instanceId,
      told: tell(),
      events: { round: () => this.#callRound(), lost: (reason, fatal) => this.#lost(reason, fatal) },
    })
    if (typeof joined === 'string') return this.#overtaken()
    const assignment = await this.#group.sync(this.#memberId, joined.generationId, this.#assignments(joined))
    if (typeof assignment === 'string') return this.#overtaken()
    if (this.#ended || this.#memberId === '') return this.#overtaken()
    await this.#handOut(joined.generationId, assignment, onAssign)
    return true
  }

  #assignments({ members }: Joined): ReadonlyMap<string, Assignment> | undefined {
    return members === undefined ? undefined : this.#options.assign(members)
  }

  async #handOut(generationId: number, assignment: Assignment, onAssign: JoinOptions['onAssign']): Promise<void> {
    const { group, instanceId } = this.#options
    this.#generation = {
      group,
      generationId,
      memberId: this.#memberId,
      ...(instanceId === undefined ? {} : { instanceId }),
    }
    const continuous = this.#received === generationId - 1
    this.#received = generationId
    this.#holding = true
    await onAssign(this.#generation, assignment, continuous)
  }

  #overtaken(): false {
    this.#roundDue = true
    return false
  }

  #callRound(): void {
    this.#roundDue = true
    this.#wake()
  }

  #lost(reason: string, fatal: boolean): void {
    this.#memberId = ''
    this.#received = undefined
    this.#holding = false
    this.#telling = this.#tellLost(reason, fatal)
    if (fatal) this.#ended = true
    this.#callRound()
  }

  async #tellLost(reason: string, fatal: boolean): Promise<void> {
    await this.#broker.clock.breathe()
    this.#options.onLost(reason, fatal)
  }

  #end(): void {
    this.#ended = true
    this.#onEnd()
    if (this.#memberId !== '') this.#group.remove(this.#memberId)
    this.#memberId = ''
    this.#wake()
  }
}
