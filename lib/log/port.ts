/**
 * The port: all that the runtime needs from Kafka, at the level of record batches. No per-record object crosses it.
 * `kafka/` and `memory/` implement it and pass one contract suite (`testing/log-contract.ts`).
 */
import type { Headers, Offset, Positions, TopicPartition } from '../core/record.js'
import type { HeaderSection } from './format/record-headers.js'

/** A log an app can run on: `memoryLog()` or `kafkaLog()`. */
export interface Log extends AsyncDisposable {
  readonly kind: 'kafka' | 'memory'
}

export interface LogPort extends Log {
  readonly admin: LogAdmin
  /**
   * Which brokers have not answered for two seconds or more, with their addresses and the last error; undefined while those
   * that are asked answer. What was asked for is tried again meanwhile.
   */
  readonly trouble: string | undefined
  /** Joins the consumer group; resolves when the first assignment has been handed to `onAssign`. */
  join(options: JoinOptions): Promise<Membership>
  fetcher(options: FetcherOptions): Fetcher
  /**
   * Exactly-once: InitProducerId under this id (KIP-98). Fences whoever used the id before and waits until their
   * transaction is decided.
   */
  transactions(options: { readonly id: string; readonly timeoutMs: number }): Promise<CommitChannel>
  /** At-least-once, and plain producing: an idempotent producer; `commit` sends the offsets once every append is acknowledged. */
  idempotent(): Promise<CommitChannel>
}

// ── topics and offsets ───────────────────────────────────────────────────────────────────────────────────────────────

export interface LogAdmin {
  /** What each topic is; undefined for one that does not exist. */
  describe(topics: readonly string[]): Promise<ReadonlyMap<string, TopicInfo | undefined>>
  /** Names of all topics that start with `prefix`. */
  list(prefix: string): Promise<readonly string[]>
  /** Creates topics and waits until they can be written to. A topic that exists already is left as it is. */
  create(topics: readonly NewTopic[]): Promise<void>
  /**
   * Deletes topics with all that is in them, and what groups have committed for them; resolves when brokers do not know
   * them any more. One that does not exist is none to delete. Rejects with `BROKER_REFUSED` where brokers do not allow it.
   */
  deleteTopics(topics: readonly string[]): Promise<void>
  /** `all`: high watermark; `committed`: last stable offset. */
  endOffsets(partitions: readonly TopicPartition[], isolation: Isolation): Promise<Positions>
  startOffsets(partitions: readonly TopicPartition[]): Promise<Positions>
  /**
   * The first offset of a record with this timestamp or a later one (milliseconds since the epoch, 0 or more). A partition
   * without such a record is absent from the answer.
   */
  offsetsAt(partitions: readonly TopicPartition[], timestampMs: number): Promise<Positions>
  /**
   * Offsets a group has committed; waits until no transactional commit is pending on any of them (OffsetFetch with
   * requireStable, KIP-447). A partition without a committed offset is absent from the answer.
   */
  stableCommitted(group: string, partitions: readonly TopicPartition[]): Promise<Positions>
  /**
   * The same, each with the note that was committed beside it; `any` does not wait for what is pending. `all`: of whichever
   * partitions the group has offsets.
   */
  groupOffsets(
    group: string,
    partitions: readonly TopicPartition[] | 'all',
    which: 'stable' | 'any',
  ): Promise<readonly CommittedOffset[]>
  /** The group has no offsets of these partitions any more. Rejects with `BROKER_REFUSED` while members of it read their topics. */
  forgetOffsets(group: string, partitions: readonly TopicPartition[]): Promise<void>
  /** DeleteRecords below these offsets. */
  trim(before: Positions): Promise<void>
  /**
   * Aborts open transactions of ids that start with `prefix` and are not in `alive`, so that a dead owner's transaction
   * does not block its partitions until it times out. Returns the ids fenced.
   */
  fence(prefix: string, alive: ReadonlySet<string>): Promise<readonly string[]>
  /**
   * Whose transactions hold readers of committed records at these offsets. A partition in which none does is absent from the
   * answer. Where brokers do not say whose it is, because they are too old or the user may not ask, only that there is one.
   */
  openTransactions(held: readonly Standstill[]): Promise<readonly OpenTransaction[]>
  /** Who is in a group, and what each was assigned. A group that does not exist has the state `none`. */
  describeGroup(group: string): Promise<GroupInfo>
  /**
   * Takes a member out of a group, as if it had left: the others share anew, and it hears at its next heartbeat that it is lost.
   * Resolves to false when it is not there.
   */
  removeMember(group: string, member: Pick<GroupMember, 'id' | 'instanceId'>): Promise<boolean>
}

export interface GroupInfo {
  /** `rebalancing`: in a round, in which nobody says what its members tell and are assigned. */
  readonly state: 'none' | 'empty' | 'stable' | 'rebalancing'
  readonly members: readonly GroupMember[]
}

export interface GroupMember {
  readonly id: string
  readonly instanceId: string | undefined
  readonly clientId: string
  /** From where it is connected, as the broker sees it. */
  readonly host: string
  /** What it told when it joined; undefined in a round, and of a member that is not of this sort. */
  readonly told: Uint8Array | undefined
  readonly assignment: Assignment | undefined
}

/** Where a reader of committed records stands that cannot go on although there is more. */
export interface Standstill extends TopicPartition {
  readonly offset: Offset
}

export interface OpenTransaction extends TopicPartition {
  /** Its first offset in the partition. */
  readonly startOffset: Offset
  readonly producer?: OpenTransactionProducer
}

export interface OpenTransactionProducer {
  readonly producerId: bigint
  readonly producerEpoch: number
  /** Milliseconds since the epoch: the timestamp of its last batch in the partition. */
  readonly lastTimestamp: number
  /** Undefined when the user may not see it, and when its coordinator does not know it any more. */
  readonly transactionalId?: string
  /** Milliseconds since the epoch: when the transaction began, and after how long brokers abort it; as its coordinator says. */
  readonly began?: number
  readonly timeoutMs?: number
}

export interface CommittedOffset extends TopicPartition {
  readonly offset: Offset
  /** Empty where none was: standard tools set offsets without. */
  readonly note: string
}

/** By topic: what is committed beside each offset of it, up to 4,000 bytes of text. */
export type OffsetNotes = ReadonlyMap<string, string>

export type Isolation = 'committed' | 'all'

export interface TopicInfo {
  /** Topic id (KIP-516), or another name that changes when the topic is deleted and made anew. */
  readonly id: string
  readonly partitions: number
  /** Those in effect, defaults included; empty for who may not see them. */
  readonly configs: ReadonlyMap<string, string>
}

export interface NewTopic {
  readonly name: string
  /** -1: the broker's default. */
  readonly partitions: number
  /** -1: the broker's default. */
  readonly replicationFactor: number
  readonly configs: Readonly<Record<string, string>>
}

// ── membership ───────────────────────────────────────────────────────────────────────────────────────────────────────

export interface JoinOptions {
  readonly group: string
  readonly topics: readonly string[]
  /** Static membership (KIP-345). */
  readonly instanceId?: string
  readonly sessionTimeoutMs: number
  /** Aborted while it joins, it leaves, and `join` rejects; later it does nothing. */
  readonly signal?: AbortSignal
  /** What this member tells the leader, asked anew at each join. */
  readonly tell: () => Uint8Array
  /** Runs on the leader only; a pure function of what everybody told. */
  readonly assign: (members: readonly MemberTold[]) => ReadonlyMap<string, Assignment>
  /** Awaited before this member rejoins; heartbeats go on meanwhile. Commits under the old generation are accepted until the round ends. */
  readonly onRevoke: () => Promise<void>
  /** A new generation. `continuous`: this member also received the assignment of the generation just before it. */
  readonly onAssign: (generation: Generation, assignment: Assignment, continuous: boolean) => Promise<void>
  /** Removed from the group or fenced: what was held belongs to others now, nothing may be committed. A rejoin follows by itself unless `fatal`. */
  readonly onLost: (reason: string, fatal: boolean) => void
}

export interface MemberTold {
  readonly id: string
  readonly told: Uint8Array
}

export interface Assignment {
  readonly partitions: readonly TopicPartition[]
  /** What the leader tells this member. */
  readonly told: Uint8Array
}

/** Under which offsets are committed. */
export interface Generation {
  readonly group: string
  readonly generationId: number
  readonly memberId: string
  readonly instanceId?: string
  /** The group has no members, and is a name for offsets: then generation -1 and an empty member id. Nothing fences those. */
  readonly withoutMembers?: true
}

export interface Membership {
  readonly generation: Generation
  /** Asks for a new round, for example when what this member would tell has changed. */
  rejoin(reason: string): void
  /** Leaves the group. `onRevoke` is not called. Calling twice is allowed. */
  leave(): Promise<void>
}

// ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────────

export interface FetcherOptions {
  readonly isolation: Isolation
  /** `live` waits for new data; `restore` prefers large answers. */
  readonly purpose: 'live' | 'restore'
  /** Of one partition in one answer. */
  readonly maxBytes: number
}

export interface Fetcher extends AsyncDisposable {
  /**
   * Replaces the set of partitions and where to read on. A partition named again continues at the offset given. `ids`, by
   * topic, are of the topics that these positions are of, as `describe` said; a topic without one is what it is when it is
   * first read. Another of the same name is never read: `next` rejects with `OFFSET_OUT_OF_RANGE`.
   */
  assign(positions: Positions, ids?: ReadonlyMap<string, string>): void
  pause(partition: TopicPartition): void
  resume(partition: TopicPartition): void
  /**
   * The next answer that has bytes for somebody, or moved a position; one at a time. What was asked for before `assign`
   * or `pause` changed the partition's position is never handed out. Resolves to an empty list when `signal` aborts.
   * Rejects with `OFFSET_OUT_OF_RANGE` naming the partition.
   */
  next(signal: AbortSignal): Promise<readonly Fetched[]>
  /** Partitions in which the last answer ended at an open transaction, and there is more behind it that may not be read yet. */
  held(): readonly Held[]
}

export interface Held extends Standstill {
  readonly highWatermark: Offset
}

/** Raw record batches of one partition, aborted and control ones included; `recordCursor` walks what a reader may see. */
export interface Fetched extends TopicPartition {
  readonly bytes: Uint8Array
  /** Where the fetch began; batches may start before it. */
  readonly from: Offset
  /** Where the next fetch of this partition begins: `nextOffset` of a cursor that has walked it all. */
  readonly to: Offset
  readonly isolation: Isolation
  /** (producer id, first offset), in any order. */
  readonly aborted: readonly (readonly [producerId: bigint, firstOffset: Offset])[]
  readonly highWatermark: Offset
  readonly lastStableOffset: Offset
}

/** A flyweight over batch bytes: fields change as it advances; nothing is allocated per record. */
export interface RecordCursor {
  /** Moves to the next record a reader may see; false at the end. */
  next(): boolean
  /** After `next` has thrown: gives up what is left of the batch that it stands in; false when there is none to pass over. */
  skipBatch(): boolean
  readonly offset: Offset
  /** Milliseconds since the epoch. */
  readonly timestamp: number
  /** What the ranges below point into; changes from batch to batch when batches are compressed. */
  readonly bytes: Buffer
  readonly keyStart: number
  /** `keyStart` is -1 when the key is null. */
  readonly keyEnd: number
  /** -1 when the value is null: a tombstone. */
  readonly valueStart: number
  readonly valueEnd: number
  /** Of several headers with one name the last counts. */
  headers(): Headers
  /** All headers as they are: a view of `bytes`. */
  headerSection(): HeaderSection
  /** After the current record, its offset + 1; after the last, where to fetch on: control and compacted records included. */
  readonly nextOffset: Offset
}

// ── writing ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/** One commit at a time: `begin`, any `append`s, `offsets`, then `commit` or `abort`. */
export interface CommitChannel extends AsyncDisposable {
  /** The transactional id, or empty for an idempotent channel. */
  readonly id: string
  /** Opens a transaction and registers the partitions it will write to and the group whose offsets it will carry. */
  begin(touching: readonly TopicPartition[], group: string | undefined): Promise<void>
  /**
   * Sends a finished batch: in order per partition, the same bytes and sequence again on retriable errors.
   * On a transactional channel the partition must have been named in `begin`. Rejects with `RECORDS_REFUSED` when other
   * records would have been taken: with its places in the batch where the broker names them.
   */
  append(partition: TopicPartition, batch: FinishedBatch): Promise<{ readonly baseOffset: Offset }>
  /**
   * Rejects with `GENERATION_STALE` when the generation is not current: then it may be called again under a newer one, or
   * the transaction aborted. Rejects with `MEMBER_UNKNOWN` for one that is not in the group: then only `abort` is allowed.
   */
  offsets(generation: Generation, consumed: Positions, notes?: OffsetNotes): Promise<void>
  /**
   * Resolves only when the broker has definitely committed. Rejects with `COMMIT_ABORTED`, `FENCED` or `OUTCOME_UNKNOWN`.
   * Unreachable (rejects with `COMMIT_ABORTED`) when an append or the offsets of this transaction failed.
   */
  commit(): Promise<void>
  /** Resolves when the broker has definitely aborted, or when there is nothing to abort. */
  abort(): Promise<void>
}

/** One RecordBatch v2 whose base offset, producer fields and CRC are still to be stamped. */
export interface FinishedBatch {
  readonly bytes: Buffer
  readonly records: number
}

/** Builds one RecordBatch v2 in place: strings go straight into the buffer. */
export interface BatchBuilder {
  /**
   * False when the batch would have more than `limit` bytes, before compression, with this record: then it is as it was, to
   * be finished, and the record is for the next one. An empty batch takes any record.
   */
  add(
    key: string | Uint8Array | null,
    value: string | Uint8Array | null,
    timestamp: number,
    headers?: Headers | HeaderSection,
    limit?: number,
  ): boolean
  /** Bytes so far, before compression. */
  readonly size: number
  /** Records so far. */
  readonly count: number
  /** The batch; the builder is empty afterwards and can be used again without touching the batch. */
  finish(): FinishedBatch
}
