import { MillraceError } from '../../core/errors.js'
import type { Assignment, Generation, JoinOptions } from '../../log/port.js'
import type { Channel } from '../connection/channel.js'
import { Code, nameOf } from '../connection/error-codes.js'
import { refused } from '../connection/refusal.js'
import type { Api } from '../protocol/api.js'
import { heartbeat, joinGroup, type JoinGroupResponse, leaveGroup, syncGroup } from '../protocol/group.js'
import { decodeAssignment, decodeTold, encodeAssignment, encodeSubscription } from './subscription.js'

/**
 * How long a member may take to join a round before the others go on without it. Also how long a coordinator that has lost count of its
 * members, as one that was killed in the middle of a round can, leaves all of them without an answer.
 */
const rebalanceTimeoutMs = (sessionTimeoutMs: number): number =>
  Math.min(60_000, Math.max(10_000, 2 * sessionTimeoutMs))
const protocol = 'millrace'

export interface Round {
  readonly generation: Generation
  readonly assignment: Assignment
}

/** Why there is no round: the member was removed, or the group started another one. */
export type NoRound = 'lost' | 'again'

/** The requests of one member of a classic consumer group (JoinGroup, SyncGroup, Heartbeat, LeaveGroup). */
export class GroupRounds {
  readonly #channel: Channel
  readonly #options: JoinOptions
  readonly #instanceId: string | null
  readonly #rebalanceMs: number
  #memberId = ''
  #generationId = -1
  #askedRounds = 0
  /** This member was fenced in a round, and has joined again since without taking part in one. */
  #wasFenced = false
  #stopped = false

  constructor(channel: Channel, options: JoinOptions) {
    this.#channel = channel
    this.#options = options
    this.#instanceId = options.instanceId ?? null
    this.#rebalanceMs = rebalanceTimeoutMs(options.sessionTimeoutMs)
  }

  /** Makes the next join start a round although nothing else has changed. */
  askForRound(): void {
    this.#askedRounds++
  }

  /** The group does not know this member any more. */
  forgetMember(): void {
    this.#memberId = ''
    this.#generationId = -1
  }

  /** Nothing is asked any more but to leave: a JoinGroup that is answered now must not be followed by another. */
  stop(): void {
    this.#stopped = true
  }

  /** One join round. Rejects with `MEMBER_UNKNOWN` when another process took the static member's place. */
  async next(): Promise<Round | NoRound> {
    const joined = await this.#join()
    this.#memberId = joined.memberId
    this.#generationId = joined.generationId
    const assignments = joined.leader === joined.memberId ? this.#assign(joined) : []
    const body = { ...this.#me, assignments }
    const { errorCode, assignment } = await this.#ask(syncGroup, body, this.#rebalanceMs)
    if (errorCode === Code.rebalanceInProgress) return 'again'
    if (errorCode === Code.unknownMember || errorCode === Code.illegalGeneration) {
      if (errorCode === Code.unknownMember) this.forgetMember()
      return 'lost'
    }
    // A JoinGroup of ours that was sent again, because its answer was lost, can reach the broker after the one that was
    // answered, and takes the static member's place. If it is another process instead, one of the two gives up: the one
    // that is fenced twice, or finds it out by its heartbeat.
    if (errorCode === Code.fencedInstance && !this.#wasFenced) {
      this.#wasFenced = true
      this.forgetMember()
      return 'lost'
    }
    this.#require(errorCode, 'SyncGroup')
    this.#wasFenced = false
    return { generation: this.#generation(), assignment: decodeAssignment(assignment) }
  }

  /** The code of one heartbeat. */
  async heartbeat(): Promise<number> {
    const { errorCode } = await this.#ask(heartbeat, this.#me)
    return errorCode
  }

  /** On a connection of its own: a JoinGroup may be holding up the other. */
  async leave(): Promise<void> {
    if (this.#memberId === '') return
    const { group } = this.#options
    const body = { group, memberId: this.#memberId, instanceId: this.#instanceId }
    await this.#channel.toCoordinator(['group', group], leaveGroup, body, (answer) => answer.errorCode, { lane: 1 })
  }

  #assign({ members }: JoinGroupResponse): { readonly memberId: string; readonly assignment: Uint8Array }[] {
    const assigned = this.#options.assign(members.map(({ memberId, metadata }) => decodeTold(memberId, metadata)))
    return [...assigned].map(([memberId, assignment]) => ({ memberId, assignment: encodeAssignment(assignment) }))
  }

  async #join(): Promise<JoinGroupResponse> {
    for (;;) {
      if (this.#stopped)
        throw new MillraceError('APP_CLOSED', `JoinGroup of ${this.#options.group}: the member leaves.`)
      const { group, sessionTimeoutMs, topics, tell } = this.#options
      const answer = await this.#ask(
        joinGroup,
        {
          group,
          sessionTimeoutMs,
          rebalanceTimeoutMs: this.#rebalanceMs,
          memberId: this.#memberId,
          instanceId: this.#instanceId,
          protocol,
          metadata: encodeSubscription(topics, tell(), this.#askedRounds),
        },
        this.#rebalanceMs,
      )
      if (answer.errorCode === Code.none) return answer
      if (answer.errorCode === Code.memberIdRequired) this.#memberId = answer.memberId
      else if (answer.errorCode === Code.unknownMember) this.forgetMember()
      else if (answer.errorCode !== Code.rebalanceInProgress && answer.errorCode !== Code.illegalGeneration) {
        this.#require(answer.errorCode, 'JoinGroup')
      }
    }
  }

  #ask<Q, A extends { readonly errorCode: number }>(api: Api<Q, A>, body: Q, blocksMs?: number): Promise<A> {
    const to = ['group', this.#options.group] as const
    const options = blocksMs === undefined ? {} : { timeoutMs: blocksMs + 5_000 }
    return this.#channel.toCoordinator(to, api, body, (answer) => answer.errorCode, options)
  }

  get #me(): { group: string; generationId: number; memberId: string; instanceId: string | null } {
    const { group } = this.#options
    return { group, generationId: this.#generationId, memberId: this.#memberId, instanceId: this.#instanceId }
  }

  #generation(): Generation {
    const { group, instanceId } = this.#options
    const generation = { group, generationId: this.#generationId, memberId: this.#memberId }
    return instanceId === undefined ? generation : { ...generation, instanceId }
  }

  #require(code: number, what: string): void {
    if (code === Code.none) return
    const { group, instanceId, sessionTimeoutMs } = this.#options
    const who = `${what} of group ${group}: ${nameOf(code)}`
    if (code === Code.fencedInstance) {
      const why = `Another process is the static member ${instanceId} now. Give every process an instanceId of its own`
      throw new MillraceError('MEMBER_UNKNOWN', `${who}. ${why}.`)
    }
    if (code === invalidSessionTimeout) {
      const what = `A session time-out of ${sessionTimeoutMs} ms is outside of what the brokers allow`
      throw new MillraceError(
        'OPTIONS_INVALID',
        `${who}. ${what} (group.min.session.timeout.ms, group.max.session.timeout.ms).`,
      )
    }
    if (code === inconsistentProtocol || code === groupIdNotFound) {
      const what = 'Consumers that are not of this app are in the group, or it is of another kind (share, streams)'
      throw new MillraceError('GROUP_MISMATCH', `${who}. ${what}: stop them, or choose another app id.`)
    }
    const todo = 'Look at the broker that coordinates the group'
    throw refused(`${what} of group ${group}`, code, { group: [group, 'Read'] }, { todo })
  }
}

const invalidSessionTimeout = 26
const inconsistentProtocol = 23
/** What brokers say of a group that is not of consumers. */
const groupIdNotFound = 69
