import { MillraceError } from '../../core/errors.js'
import { PositionMap, type Positions, type TopicPartition } from '../../core/record.js'
import type {
  CommittedOffset,
  GroupInfo,
  GroupMember,
  Isolation,
  LogAdmin,
  NewTopic,
  OpenTransaction,
  Standstill,
  TopicInfo,
} from '../../log/port.js'
import type { Channel } from '../connection/channel.js'
import { Code, isRetriable } from '../connection/error-codes.js'
import { refused, type Needs } from '../connection/refusal.js'
import { fenceDead } from '../producing/fencing.js'
import { listPositions } from '../producing/offset-answers.js'
import { logEnds, perLeader } from '../connection/per-leader.js'
import { deleteRecords, offsetFetch, type OffsetFetchResponse } from '../protocol/offsets.js'
import { deleteTopics, forgetOffsets } from './deleting.js'
import { describeGroup } from './describe-group.js'
import { removeMember } from './remove-member.js'
import { openTransactions } from './open-transactions.js'
import { describeTopics, listTopics, makeTopics } from './topic-admin.js'

/** Topics, offsets and fencing over one channel. */
export class KafkaAdmin implements LogAdmin {
  readonly #channel: Channel

  constructor(channel: Channel) {
    this.#channel = channel
  }

  async describe(topics: readonly string[]): Promise<ReadonlyMap<string, TopicInfo | undefined>> {
    return await describeTopics(this.#channel, topics)
  }

  async list(prefix: string): Promise<readonly string[]> {
    return await listTopics(this.#channel, prefix)
  }

  async create(topics: readonly NewTopic[]): Promise<void> {
    if (topics.length > 0) await makeTopics(this.#channel, topics)
  }

  async deleteTopics(topics: readonly string[]): Promise<void> {
    if (topics.length > 0) await deleteTopics(this.#channel, topics)
  }

  async endOffsets(partitions: readonly TopicPartition[], isolation: Isolation): Promise<Positions> {
    return await logEnds(this.#channel, partitions, 'end', isolation)
  }

  async startOffsets(partitions: readonly TopicPartition[]): Promise<Positions> {
    return await logEnds(this.#channel, partitions, 'start', 'all')
  }

  async offsetsAt(partitions: readonly TopicPartition[], timestampMs: number): Promise<Positions> {
    return await logEnds(this.#channel, partitions, timestampMs, 'all')
  }

  async stableCommitted(group: string, partitions: readonly TopicPartition[]): Promise<Positions> {
    const committed = await this.groupOffsets(group, partitions, 'stable')
    return PositionMap.of(committed.map(({ topic, partition, offset }) => [topic, partition, offset] as const)).topics
  }

  async groupOffsets(
    group: string,
    partitions: readonly TopicPartition[] | 'all',
    which: 'stable' | 'any',
  ): Promise<readonly CommittedOffset[]> {
    const committed: CommittedOffset[] = []
    let left = partitions === 'all' ? null : partitions
    while (left === null || left.length > 0) {
      const body = { group, partitions: left, requireStable: which === 'stable' }
      const answer = await this.#channel.toCoordinator(['group', group], offsetFetch, body, codeOf)
      if (answer.errorCode !== Code.none)
        throw fetchRefused(`OffsetFetch of group ${group}`, answer.errorCode, { group: [group, 'Describe'] })
      for (const { topic, partition, offset, note, errorCode } of answer.partitions) {
        if (errorCode === Code.unstableOffsets) continue
        if (errorCode !== Code.none) {
          const needs = { topic: [topic, 'Describe'], group: [group, 'Describe'] } as const
          throw fetchRefused(`OffsetFetch of ${topic}[${partition}] for group ${group}`, errorCode, needs)
        }
        if (offset >= 0) committed.push({ topic, partition, offset, note })
      }
      left = answer.partitions.filter(({ errorCode }) => errorCode === Code.unstableOffsets)
      // A commit that is being decided is stable in 1 ms at the median, 10 ms at most; an open one may take long.
      if (left.length > 0) await this.#channel.clock.sleep(2, this.#channel.closed)
    }
    return committed
  }

  async forgetOffsets(group: string, partitions: readonly TopicPartition[]): Promise<void> {
    if (partitions.length > 0) await forgetOffsets(this.#channel, group, partitions)
  }

  async trim(before: Positions): Promise<void> {
    const timeoutMs = 4_000
    const results = await perLeader(this.#channel, deleteRecords, listPositions(before), (own) => ({
      before: own,
      timeoutMs,
    }))
    for (const { topic, partition, errorCode } of results) {
      if (errorCode === Code.none) continue
      const what = `DeleteRecords of ${topic}[${partition}] before ${before.get(topic)?.get(partition)}`
      if (errorCode !== Code.offsetOutOfRange) {
        const todo = "Check the topic's cleanup.policy"
        throw refused(what, errorCode, { topic: [topic, 'Delete'] }, { todo, topic, partition })
      }
      throw new MillraceError('OFFSET_OUT_OF_RANGE', `${what}: that is beyond its end.`, { topic, partition })
    }
  }

  async fence(prefix: string, alive: ReadonlySet<string>): Promise<readonly string[]> {
    return await fenceDead(this.#channel, prefix, alive)
  }

  async openTransactions(held: readonly Standstill[]): Promise<readonly OpenTransaction[]> {
    return held.length === 0 ? [] : await openTransactions(this.#channel, held)
  }

  async describeGroup(group: string): Promise<GroupInfo> {
    return await describeGroup(this.#channel, group)
  }

  async removeMember(group: string, member: Pick<GroupMember, 'id' | 'instanceId'>): Promise<boolean> {
    return await removeMember(this.#channel, group, member)
  }
}

/** The code of the whole answer stands for it; else any of a partition that may pass, as while offsets are being loaded. */
function codeOf({ errorCode, partitions }: OffsetFetchResponse): number {
  if (errorCode !== Code.none) return errorCode
  return partitions.find((partition) => isRetriable(partition.errorCode))?.errorCode ?? Code.none
}

function fetchRefused(what: string, code: number, needs: Needs): MillraceError {
  return refused(what, code, needs, { todo: 'Look at the broker that coordinates the group' })
}
