import { MillraceError, reasonOf } from '../../core/errors.js'
import type { Logger } from '../../core/logger.js'
import type { Generation, JoinOptions, Membership } from '../../log/port.js'
import type { Channel } from '../connection/channel.js'
import { Code, nameOf } from '../connection/error-codes.js'
import { GroupRounds } from './group-rounds.js'

/** How a generation ends: another round is due, this member is in it no more, or it leaves. The later outranks the earlier. */
const ends = ['round', 'lost', 'left'] as const
type End = (typeof ends)[number]

/**
 * A tenth of the session time-out, which leaves nine to spare, and at most 200 ms: members hear of a new round only in the
 * answer to a heartbeat, and the tasks of one that has left or died are silent until the last of them has heard.
 */
const heartbeatMs = (sessionTimeoutMs: number): number => Math.min(200, Math.max(50, sessionTimeoutMs / 10))

/**
 * A member of a classic consumer group. It heartbeats from a timer while its owner revokes and assigns, waits for the
 * revocation before it joins again, and tells being revoked from being lost.
 */
export class KafkaMembership implements Membership {
  readonly #channel: Channel
  readonly #options: JoinOptions
  readonly #logger: Logger
  readonly #rounds: GroupRounds
  #generation: Generation
  /** The generation of the assignment last received; undefined after a loss. */
  #received: number | undefined
  #end: End | undefined
  #onEnd: (() => void) | undefined
  #stopHeartbeats: (() => void) | undefined
  #beating: Promise<void> | undefined
  #living: Promise<void> | undefined
  /** While the owner is being told something: it may be waiting for `leave` itself. */
  #telling = false
  #leaving: Promise<void> | undefined

  private constructor(channel: Channel, options: JoinOptions, logger: Logger) {
    this.#channel = channel
    this.#options = options
    this.#logger = logger
    this.#rounds = new GroupRounds(channel, options)
    this.#generation = { group: options.group, generationId: -1, memberId: '' }
  }

  /** Resolves when the first assignment has been taken. Owns the channel. */
  static join(channel: Channel, options: JoinOptions, logger: Logger): Promise<KafkaMembership> {
    const membership = new KafkaMembership(channel, options, logger)
    const stop = (): void => void membership.leave()
    const joined = new Promise<KafkaMembership>((resolve, reject) => {
      membership.#living = membership.#live(() => resolve(membership), reject)
    })
    if (options.signal?.aborted === true) stop()
    options.signal?.addEventListener('abort', stop)
    return joined.finally(() => options.signal?.removeEventListener('abort', stop))
  }

  get generation(): Generation {
    return this.#generation
  }

  rejoin(reason: string): void {
    this.#logger.debug({ group: this.#options.group, reason }, 'asking for a round')
    this.#rounds.askForRound()
    this.#finish('round')
  }

  leave(): Promise<void> {
    this.#leaving ??= this.#leave()
    return this.#leaving
  }

  /** A static member only falls silent, so that it may come back within its session and find its partitions (KIP-345). */
  async #leave(): Promise<void> {
    this.#finish('left')
    this.#stopHeartbeats?.()
    this.#rounds.stop()
    if (this.#options.instanceId === undefined && !this.#channel.closed.aborted) {
      // Not for ever: brokers may be away, and find out by themselves when the session ends.
      await Promise.race([
        Promise.allSettled([this.#rounds.leave()]),
        this.#channel.clock.sleep(1_000, this.#channel.closed),
      ])
    }
    this.#channel.close()
    if (!this.#telling) await this.#living
  }

  /** Never rejects: what ends the membership is told to whoever joined, or through `onLost`. */
  async #live(joined: () => void, failed: (error: unknown) => void): Promise<void> {
    try {
      await this.#run(joined)
      failed(new MillraceError('APP_CLOSED', `Joining group ${this.#options.group}: the member leaves.`))
    } catch (error) {
      const left = this.#leaving !== undefined
      const assigned = this.#generation.generationId >= 0
      this.#telling = true
      // One who leaves waits for us.
      if (!left) await this.leave()
      failed(error)
      if (!left && assigned) this.#options.onLost(reasonOf(error), true)
    }
  }

  /** One turn per generation. Rejects when this member can be in the group no more. */
  async #run(joined: () => void): Promise<void> {
    for (;;) {
      const round = await this.#rounds.next()
      if (this.#leaving !== undefined) return
      if (round === 'again') continue
      if (round === 'lost') {
        this.#lost('Its generation was over before SyncGroup.')
        continue
      }
      const { generationId } = (this.#generation = round.generation)
      const continuous = this.#received === generationId - 1
      this.#received = generationId
      this.#end = undefined
      this.#stopHeartbeats = this.#channel.clock.every(heartbeatMs(this.#options.sessionTimeoutMs), () => {
        this.#beating ??= this.#beat(generationId).finally(() => (this.#beating = undefined))
      })
      await this.#tell(() => this.#options.onAssign(round.generation, round.assignment, continuous))
      joined()
      await this.#untilEnd()
      if (this.#isOver('round')) await this.#tell(() => this.#options.onRevoke())
      this.#stopHeartbeats()
      await this.#beating
      if (this.#isOver('left')) return
    }
  }

  async #tell(call: () => Promise<void>): Promise<void> {
    this.#telling = true
    await call()
    this.#telling = false
  }

  async #beat(generationId: number): Promise<void> {
    let code: number
    try {
      code = await this.#rounds.heartbeat()
    } catch (error) {
      this.#logger.debug({ group: this.#options.group, reason: reasonOf(error) }, 'heartbeat failed')
      return
    }
    if (code === Code.none || this.#generation.generationId !== generationId || this.#isOver('left')) return
    if (code === Code.rebalanceInProgress) return this.#finish('round')
    if (code === Code.fencedInstance) return this.#replaced()
    if (code === Code.unknownMember) this.#rounds.forgetMember()
    this.#lost(`Heartbeat: ${nameOf(code)}.`)
  }

  /** Another process is this static member now; joining again would only throw that one out. */
  #replaced(): void {
    const { group, instanceId } = this.#options
    const why = `Another process is the static member ${instanceId} now. Give every process an instanceId of its own.`
    this.#leaving ??= this.#leave()
    this.#options.onLost(`Group ${group}: ${why}`, true)
  }

  /** Told at once, also while `onAssign` or `onRevoke` runs. */
  #lost(reason: string): void {
    const first = this.#received !== undefined
    this.#received = undefined
    this.#stopHeartbeats?.()
    this.#finish('lost')
    if (first) this.#options.onLost(`Group ${this.#options.group}: ${reason}`, false)
  }

  #finish(end: End): void {
    if (this.#end === undefined || ends.indexOf(end) > ends.indexOf(this.#end)) this.#end = end
    this.#onEnd?.()
  }

  #isOver(end: End): boolean {
    return this.#end === end
  }

  #untilEnd(): Promise<void> {
    if (this.#end !== undefined) return Promise.resolve()
    return new Promise((resolve) => {
      this.#onEnd = () => {
        this.#onEnd = undefined
        resolve()
      }
    })
  }
}
