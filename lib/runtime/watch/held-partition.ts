import type { Held, OpenTransaction, OpenTransactionProducer } from '../../log/port.js'

/** A partition that cannot be read on because somebody has left a transaction open in it. */
export interface HeldPartition {
  readonly topic: string
  readonly partition: number
  /** Where reading stands. */
  readonly offset: number
  /** Offsets behind it that cannot be read before the transaction ends. */
  readonly waiting: number
  /** Milliseconds since the epoch: when the transaction began, or, where that is not told, since when this app has stood there. */
  readonly since: number
  /** Undefined where brokers do not tell. */
  readonly producerId: string | undefined
  /** Undefined where brokers do not tell, which they do to users with Describe on it. */
  readonly transactionalId: string | undefined
  /** What holds it and what to do, in sentences. */
  readonly reason: string
}

/** What is known of a partition that is not read on. */
export interface HeldFacts {
  readonly at: Held
  /** By the clock, and for how long. */
  readonly since: number
  readonly forMs: number
  /** What brokers say of it; undefined while they have not been asked. */
  readonly open: OpenTransaction | undefined
  /** Whether its producer is one of this app, as far as is known. */
  readonly isOwn: boolean
}

/** A transaction that is being ended is over in milliseconds, and one that is long in seconds. */
export const heldPatienceMs = 5_000
/** A commit of the app may wait for a rebalance; brokers abort it after 10 s, and look for such every 10 s. */
const ownPatienceMs = 30_000

/** Undefined as long as there is nothing to speak of. */
export function heldPartition({ at, since, forMs, open, isOwn }: HeldFacts): HeldPartition | undefined {
  if (open === undefined || forMs < (isOwn ? ownPatienceMs : heldPatienceMs)) return undefined
  const { topic, partition, offset, highWatermark } = at
  const { producer } = open
  const began = producer?.began ?? since
  const waiting = highWatermark - offset
  const what = `${topic}[${partition}] is not read on from offset ${offset}: a transaction has been open there since ${timeText(began)}, and what is behind it, ${waiting} offsets, waits until it ends`
  const whose = isOwn ? `It is of this app. ${whoseText(producer)}` : whoseText(producer)
  return {
    topic,
    partition,
    offset,
    waiting,
    since: began,
    producerId: producer?.producerId.toString(),
    transactionalId: producer?.transactionalId,
    reason: `${what}. ${whose}. ${todo(open)}`,
  }
}

function whoseText(producer: OpenTransactionProducer | undefined): string {
  if (producer === undefined) return 'Brokers do not say whose it is to the user of the app'
  const { producerId, producerEpoch, transactionalId, lastTimestamp, timeoutMs } = producer
  const who = `producer id ${producerId}, epoch ${producerEpoch}`
  if (transactionalId === undefined) {
    const why = `its transactional id is not told: the user of the app lacks Describe on it, or brokers have forgotten it`
    return `Its producer (${who}) wrote there last at ${timeText(lastTimestamp)}; ${why}`
  }
  const timeout = timeoutMs === undefined ? '' : `; its time-out is ${timeoutMs / 1_000} s`
  return `Its producer has transactional id '${transactionalId}' (${who})${timeout}`
}

function todo({ topic, partition, startOffset }: OpenTransaction): string {
  const abort = `kafka-transactions.sh --bootstrap-server <broker> abort --topic ${topic} --partition ${partition} --start-offset ${startOffset}`
  return `See to that producer: it must end it, or be stopped, and then brokers abort it after its time-out. Only if it is open even then: ${abort}`
}

/** Garbage of a broker is no reason to throw. */
const timeText = (ms: number): string => (Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString() : String(ms))
