import type { Clock } from '../../core/clock.js'
import { MillraceError } from '../../core/errors.js'
import type { Positions } from '../../core/record.js'
import type { OffsetNotes, OpenTransaction } from '../../log/port.js'
import type { GroupOffsets } from './group-offsets.js'
import type { PartitionLog } from '../storage/partition-log.js'

/** What InitProducerId answers: who a producer is, until somebody else asks under the same transactional id. */
export interface Producer {
  /** Transactional id; empty for an idempotent producer. */
  readonly id: string
  readonly producerId: bigint
  readonly epoch: number
}

interface Transaction {
  readonly partitions: Set<PartitionLog>
  readonly group: string | undefined
  /** Milliseconds since the epoch. */
  readonly began: number
}

interface Owner {
  producer: Producer
  transaction: Transaction | undefined
}

const largestEpoch = 32_767

/**
 * The transaction coordinator (KIP-98): transactional ids, producer ids and epochs, and what each open transaction
 * touches. Transactions do not time out: in one process nobody dies without a word, and `fence` ends what a test kills.
 */
export class Transactions {
  readonly #owners = new Map<string, Owner>()
  readonly #offsets: GroupOffsets
  readonly #clock: Clock
  #producerIds = 0n

  constructor(offsets: GroupOffsets, clock: Clock) {
    this.#offsets = offsets
    this.#clock = clock
  }

  /** A producer without a transactional id. */
  idempotent(): Producer {
    return { id: '', producerId: ++this.#producerIds, epoch: 0 }
  }

  /** InitProducerId: fences whoever has the id and aborts what they had open. */
  init(id: string): Producer {
    const owner = this.#owners.get(id)
    if (owner === undefined) {
      const producer = { id, producerId: ++this.#producerIds, epoch: 0 }
      this.#owners.set(id, { producer, transaction: undefined })
      return producer
    }
    const { producerId, epoch } = owner.producer
    const bumped = { id, producerId, epoch: epoch + 1 }
    owner.producer = bumped
    this.#end(owner, 'abort')
    if (bumped.epoch === largestEpoch) owner.producer = { id, producerId: ++this.#producerIds, epoch: 0 }
    return owner.producer
  }

  begin(producer: Producer, partitions: readonly PartitionLog[], group: string | undefined): void {
    const owner = this.#ownerFor(producer)
    if (owner.transaction !== undefined) {
      throw new MillraceError(
        'BROKER_REFUSED',
        `Transaction '${producer.id}' is open already. Commit or abort it first.`,
      )
    }
    owner.transaction = { partitions: new Set(partitions), group, began: this.#clock.now() }
  }

  /** Throws `FENCED`, or `BROKER_REFUSED` when the partition was not named in `begin`. */
  demandWritable(producer: Producer, log: PartitionLog): void {
    if (this.#ownerFor(producer).transaction?.partitions.has(log) === true) return
    const { topic, partition } = log
    throw new MillraceError(
      'BROKER_REFUSED',
      `${topic}[${partition}]: not part of an open transaction of '${producer.id}'. Name it in begin().`,
      { topic, partition },
    )
  }

  /** Offsets that take effect when the transaction commits. Throws `FENCED` or `BROKER_REFUSED`. */
  addOffsets(producer: Producer, group: string, positions: Positions, notes?: OffsetNotes): void {
    if (this.#ownerFor(producer).transaction?.group !== group) {
      throw new MillraceError(
        'BROKER_REFUSED',
        `Group '${group}' is not part of an open transaction of '${producer.id}'. Name it in begin().`,
      )
    }
    this.#offsets.hold(group, producer.producerId, positions, notes)
  }

  /** Throws `FENCED`, and `COMMIT_ABORTED` when none is open: it may have been aborted while the commit was on its way. */
  commit(producer: Producer): void {
    const owner = this.#ownerFor(producer)
    if (owner.transaction === undefined)
      throw new MillraceError(
        'COMMIT_ABORTED',
        `Transaction '${producer.id}': commit without begin, or after an abort.`,
      )
    this.#end(owner, 'commit')
  }

  /** Aborts the open transaction, if there is one. Throws `FENCED`. */
  abort(producer: Producer): void {
    this.#end(this.#ownerFor(producer), 'abort')
  }

  /** Throws `FENCED`. */
  demandCurrent(producer: Producer): void {
    this.#ownerFor(producer)
  }

  isFenced(producer: Producer): boolean {
    return this.#owners.get(producer.id)?.producer !== producer
  }

  /** Ids with this prefix that have a transaction open. */
  open(prefix: string): string[] {
    const ids: string[] = []
    for (const [id, { transaction }] of this.#owners) {
      if (transaction !== undefined && id.startsWith(prefix)) ids.push(id)
    }
    return ids
  }

  /** Whose transaction holds readers of committed records in a partition. */
  holding(log: PartitionLog): OpenTransaction | undefined {
    const [producerId, startOffset] = log.oldestOpen ?? []
    const owner = [...this.#owners.values()].find(({ producer }) => producer.producerId === producerId)
    if (startOffset === undefined || owner?.transaction === undefined) return undefined
    const { producer, transaction } = owner
    const { topic, partition } = log
    const { id: transactionalId, epoch: producerEpoch } = producer
    const { began } = transaction
    const holder = { producerId: producer.producerId, producerEpoch, lastTimestamp: began, transactionalId, began }
    return { topic, partition, startOffset, producer: holder }
  }

  #end(owner: Owner, type: 'commit' | 'abort'): void {
    const { transaction, producer } = owner
    if (transaction === undefined) return
    owner.transaction = undefined
    const now = this.#clock.now()
    for (const log of transaction.partitions) log.decide(type, producer.producerId, producer.epoch, now)
    if (transaction.group !== undefined) this.#offsets.decide(transaction.group, producer.producerId, type)
  }

  #ownerFor(producer: Producer): Owner {
    const owner = this.#owners.get(producer.id)
    if (owner?.producer === producer) return owner
    throw new MillraceError(
      'FENCED',
      `Transactional id '${producer.id}' belongs to another producer now. Open a new channel if this process should have it.`,
    )
  }
}
