import { MillraceError, reasonOf } from '../../core/errors.js'
import type { Offset, TopicPartition } from '../../core/record.js'
import type { FinishedBatch } from '../../log/port.js'
import { stampBatch } from '../../log/format/stamp.js'
import { isOfRecords, recordsRefused } from '../../log/records-refused.js'
import type { Channel } from '../connection/channel.js'
import { Code, isFenced, nameOf } from '../connection/error-codes.js'
import { refused } from '../connection/refusal.js'
import { TryAgain } from '../connection/insist.js'
import { LinkLost } from '../connection/link.js'
import { PartitionLane, type Sending } from './partition-lane.js'
import { produce, type ProduceResult } from '../protocol/produce.js'
import type { ProducerIdentity } from '../protocol/transaction.js'

/**
 * A connection of its own, so that appends do not hold up what else is asked of a broker. The offsets of a transaction go there too:
 * a broker answers one request of a connection after the other. Where two of one transaction are under way in it at the same
 * time, it verifies only the later one and sends the other back (KIP-890): on one broker the appends of 44 % of the commits, and the offsets of 51 %.
 */
export const produceLane = 1
/** Of one request. Larger ones would hold up smaller ones behind them; a single batch may be larger. */
const mostBytes = 4 << 20
/** How long the broker waits for its replicas before it says REQUEST_TIMED_OUT. */
const replicationMs = 4_000
const firstPauseMs = 5
/** So long after a leader has been found again nothing may be sent. */
const mostPauseMs = 250
/** By then it has lasted for two seconds. */
const setbacksToSpeakOf = 12
const warnEveryMs = 15_000

interface Due {
  readonly batch: Sending
  readonly lane: PartitionLane
}

/**
 * Appends batches as one idempotent producer: in order per partition, the same bytes and sequence again when a broker was
 * lost or moved. Batches given in one turn of the event loop share a request per leader.
 */
export class Appender {
  readonly #channel: Channel
  readonly #transactionalId: string | null
  #identity: ProducerIdentity
  #lanes = new Map<string, PartitionLane>()
  #failure: MillraceError | undefined
  #pumpDue = false
  /** Why the last send failed that may pass. */
  #reason = ''
  #warnAt = 0
  readonly #running = new Set<Promise<void>>()

  constructor(channel: Channel, transactionalId: string | null, identity: ProducerIdentity) {
    this.#channel = channel
    this.#transactionalId = transactionalId
    this.#identity = identity
  }

  /** The first append that failed for good; the sequence numbers behind it are of no use then. */
  get failure(): MillraceError | undefined {
    return this.#failure
  }

  /** Starts anew with the sequence numbers of another identity. Nothing may be in flight. */
  reset(identity: ProducerIdentity): void {
    this.#identity = identity
    this.#lanes = new Map()
    this.#failure = undefined
  }

  append(at: TopicPartition, { bytes, records }: FinishedBatch): Promise<{ readonly baseOffset: Offset }> {
    if (this.#failure !== undefined) return Promise.reject(this.#behind(this.#failure))
    const lane = this.#lane(at)
    const { producerId, producerEpoch } = this.#identity
    const transactional = this.#transactionalId !== null
    stampBatch(bytes, { producerId, producerEpoch, baseSequence: lane.takeSequence(records), transactional })
    const { topic, partition } = at
    const answer = new Promise<{ readonly baseOffset: Offset }>((resolve, reject) => {
      lane.add({ topic, partition, bytes, resolve, reject })
    })
    if (!this.#pumpDue) queueMicrotask(() => this.#pump())
    this.#pumpDue = true
    return answer
  }

  /**
   * Gives up what is not on its way and waits for answers to what is: a batch that arrived after its transaction was
   * aborted would belong to none.
   */
  async giveUp(reason: MillraceError): Promise<void> {
    this.#failure ??= [...this.#lanes.values()].some((lane) => !lane.idle) ? reason : undefined
    this.#dropAll()
    while (this.#running.size > 0) await Promise.all(this.#running)
  }

  #lane({ topic, partition }: TopicPartition): PartitionLane {
    const key = `${topic} ${partition}`
    let lane = this.#lanes.get(key)
    if (lane === undefined) this.#lanes.set(key, (lane = new PartitionLane()))
    return lane
  }

  #pump(): void {
    this.#pumpDue = false
    for (;;) {
      const due: Due[] = []
      for (const lane of this.#lanes.values()) {
        const batch = lane.next()
        if (batch !== undefined) due.push({ batch, lane })
      }
      if (due.length === 0) return
      for (const together of this.#byLeader(due)) this.#own(this.#send(together.node, together.due))
    }
  }

  /** Requests by leader and size; those whose leader is not known find out when they fail. */
  #byLeader(due: readonly Due[]): { readonly node: number | undefined; readonly due: Due[] }[] {
    const requests: { readonly node: number | undefined; readonly due: Due[]; bytes: number }[] = []
    for (const item of due) {
      const node = this.#channel.map.leader(item.batch)
      const size = item.batch.bytes.length
      const open = requests.findLast((request) => request.node === node)
      if (open !== undefined && open.bytes + size <= mostBytes) {
        open.due.push(item)
        open.bytes += size
      } else requests.push({ node, due: [item], bytes: size })
    }
    return requests
  }

  async #send(node: number | undefined, due: readonly Due[]): Promise<void> {
    let results: readonly ProduceResult[]
    try {
      if (node === undefined) throw new TryAgain('the leader is not known')
      const batches = due.map(({ batch }) => batch)
      const body = { transactionalId: this.#transactionalId, timeoutMs: replicationMs, batches }
      results = await this.#channel.request(node, produce, body, {
        lane: produceLane,
        timeoutMs: replicationMs + 1_000,
      })
    } catch (error) {
      const passing = error instanceof LinkLost || error instanceof TryAgain
      const refused = passing ? undefined : asRefused(error)
      this.#reason = reasonOf(error)
      for (const { batch, lane } of due) {
        if (refused === undefined) lane.sendAgain(batch)
        else this.#fail(batch, lane, refused)
      }
      return this.#recover(due)
    }
    const answers = new Map(results.map((result) => [`${result.topic} ${result.partition}`, result]))
    for (const { batch, lane } of due) {
      this.#answered(batch, lane, answers.get(`${batch.topic} ${batch.partition}`))
    }
    this.#recover(due)
    this.#pump()
  }

  #answered(batch: Sending, lane: PartitionLane, result: ProduceResult | undefined): void {
    const code = result?.errorCode ?? Code.networkException
    if (result !== undefined && (code === Code.none || code === Code.duplicateSequence)) {
      lane.acknowledge(batch)
      return batch.resolve({ baseOffset: result.baseOffset })
    }
    if (lane.mayPass(batch, code)) {
      if (code !== Code.outOfOrderSequence) this.#channel.map.forgetLeader(batch)
      this.#reason = `${batch.topic}[${batch.partition}]: ${nameOf(code)}`
      return lane.sendAgain(batch)
    }
    this.#fail(batch, lane, this.#definite(batch, code, result))
  }

  #fail(batch: Sending, lane: PartitionLane, error: MillraceError): void {
    this.#failure ??= error
    lane.acknowledge(batch)
    batch.reject(error)
    this.#dropAll()
  }

  #dropAll(): void {
    if (this.#failure === undefined) return
    for (const lane of this.#lanes.values()) for (const batch of lane.drop()) batch.reject(this.#behind(this.#failure))
  }

  #recover(due: readonly Due[]): void {
    this.#dropAll()
    const lanes = due.filter(({ lane }) => lane.mustRecover)
    if (lanes.length > 0) this.#own(this.#sendAgain(lanes))
  }

  /** Waits a little and until there are leaders again, then sends again. */
  async #sendAgain(due: readonly Due[]): Promise<void> {
    try {
      // Of these partitions only: when all leaders move at once, that is one setback for each, not one after the other.
      const setbacks = Math.max(...due.map(({ lane }) => lane.setbacks))
      const pauseMs = Math.min(firstPauseMs * 2 ** setbacks, mostPauseMs)
      if (setbacks >= setbacksToSpeakOf) this.#warn(due.length)
      await this.#channel.clock.sleep(pauseMs, this.#channel.closed)
      await this.#channel.insist('Produce', async () => {
        await this.#channel.refresh()
        for (const { batch } of due) this.#channel.map.requireLeader(batch)
      })
    } catch (error) {
      this.#failure ??= asRefused(error)
    }
    for (const { lane } of due) lane.recover()
    this.#dropAll()
    this.#pump()
  }

  #warn(batches: number): void {
    const now = this.#channel.clock.elapsed()
    if (now < this.#warnAt) return
    this.#warnAt = now + warnEveryMs
    this.#channel.warn('Produce', `${batches} batches could not be sent, still trying: ${this.#reason}`)
  }

  #definite(batch: Sending, code: number, result: ProduceResult | undefined): MillraceError {
    const { errorMessage = null, recordErrors = [] } = result ?? {}
    const at = { topic: batch.topic, partition: batch.partition }
    const where = `${batch.topic}[${batch.partition}]`
    if (isFenced(code)) {
      const who =
        this.#transactionalId === null
          ? 'Its producer id is not known any more'
          : `${this.#transactionalId} belongs to another process now, or its transaction took longer than its time-out`
      return new MillraceError('FENCED', `${where}: append refused with ${nameOf(code)}. ${who}.`, at)
    }
    if (isOfRecords(code))
      return recordsRefused(at, batch.bytes.length, { brokerCode: code, why: errorMessage, records: recordErrors })
    if (code === Code.invalidTxnState || code === Code.transactionAbortable) {
      // Whoever fenced us, or the time-out, ended the transaction while this append was under way.
      const what = `${where}: append refused with ${nameOf(code)}. The broker has no open transaction of ours, or ended it.`
      return new MillraceError('COMMIT_ABORTED', what, at)
    }
    const todo = errorMessage ?? 'Look at the broker that leads it'
    return refused(`Append to ${where}`, code, { topic: [batch.topic, 'Write'] }, { todo, ...at })
  }

  #behind(failure: MillraceError): MillraceError {
    if (failure.code === 'FENCED' || failure.code === 'APP_CLOSED') return failure
    return new MillraceError('COMMIT_ABORTED', `Not appended, as an append before it failed: ${failure.message}`, {
      cause: failure,
    })
  }

  #own(work: Promise<void>): void {
    const owned: Promise<void> = work.finally(() => this.#running.delete(owned))
    this.#running.add(owned)
  }
}

function asRefused(error: unknown): MillraceError {
  if (MillraceError.is(error)) return error
  return new MillraceError('BROKER_REFUSED', `Produce failed: ${reasonOf(error)}`, { cause: error })
}
