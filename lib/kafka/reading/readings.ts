import type { MillraceError } from '../../core/errors.js'
import type { Offset, Positions, TopicPartition } from '../../core/record.js'
import type { Fetched, Held } from '../../log/port.js'
import { isId } from '../protocol/metadata.js'

/** One assignment of one partition; a new assignment makes a new one, so that late answers find nobody. */
export interface Reading extends TopicPartition {
  /** See `keyOf`. */
  readonly key: string
  /** The topic that this position is of; once known it stays. */
  topicId: string | undefined
  /** Since when another topic of this name is seen. */
  otherSince: number | undefined
  /** Where the next request begins. */
  position: Offset
  /** Where what was handed out ends. */
  handed: Offset
  /** Fetched and not handed out yet. */
  ready: Fetched | undefined
  asked: boolean
  /** High watermark when the last answer was empty because an open transaction begins at `position`. */
  heldBelow: Offset | undefined
  /** Answers from this position, one after the other, whose CRC was wrong. */
  damaged: number
  paused: boolean
  /** Out of range, or refused: not asked for until it is assigned anew. */
  failure: MillraceError | undefined
}

/** The partitions a fetcher reads now, and what has come for them; in the order in which they are asked for. */
export class Readings {
  #readings = new Map<string, Reading>()

  /** Replaces them all. One that is named at the offset where it was goes on with what has been fetched for it. */
  assign(positions: Positions, ids?: ReadonlyMap<string, string>): void {
    const readings = new Map<string, Reading>()
    for (const [topic, partitions] of positions) {
      const id = ids?.get(topic)
      const topicId = isId(id) ? id : undefined
      for (const [partition, offset] of partitions) {
        const key = keyOf({ topic, partition })
        const known = this.#readings.get(key)
        const goesOn =
          known !== undefined && known.handed === offset && known.failure === undefined && isSame(known, topicId)
        readings.set(key, goesOn ? known : newReading({ topic, partition }, topicId, offset, known?.paused ?? false))
      }
    }
    this.#readings = readings
  }

  [Symbol.iterator](): Iterator<Reading> {
    return this.#readings.values()
  }

  of(partition: TopicPartition): Reading | undefined {
    return this.#readings.get(keyOf(partition))
  }

  /** False once its partition was assigned anew, or is no longer. */
  isCurrent(reading: Reading): boolean {
    return this.#readings.get(reading.key) === reading
  }

  /** Those that got something go to the end: brokers fill an answer from the front, and nobody may starve. */
  moveToEnd(reading: Reading): void {
    if (!this.isCurrent(reading)) return
    this.#readings.delete(reading.key)
    this.#readings.set(reading.key, reading)
  }

  /** What may be handed out now. Throws a failure once: the others go on afterwards, that one when it is assigned anew. */
  takeReady(): Fetched[] {
    for (const reading of this) {
      if (reading.failure === undefined || reading.paused) continue
      this.#readings.delete(reading.key)
      throw reading.failure
    }
    const answer: Fetched[] = []
    for (const reading of this) {
      if (reading.paused || reading.ready === undefined) continue
      answer.push(reading.ready)
      reading.handed = reading.ready.to
      reading.ready = undefined
    }
    return answer
  }

  held(): readonly Held[] {
    const held: Held[] = []
    for (const { topic, partition, position, heldBelow } of this.#readings.values())
      if (heldBelow !== undefined) held.push({ topic, partition, offset: position, highWatermark: heldBelow })
    return held
  }

  clear(): void {
    this.#readings.clear()
  }
}

export const keyOf = ({ topic, partition }: TopicPartition): string => `${topic} ${partition}`

const isSame = (reading: Reading, topicId: string | undefined): boolean =>
  topicId === undefined || reading.topicId === topicId

function newReading(
  { topic, partition }: TopicPartition,
  topicId: string | undefined,
  offset: Offset,
  paused: boolean,
): Reading {
  return {
    key: keyOf({ topic, partition }),
    topic,
    partition,
    topicId,
    otherSince: undefined,
    position: offset,
    handed: offset,
    ready: undefined,
    asked: false,
    heldBelow: undefined,
    damaged: 0,
    paused,
    failure: undefined,
  }
}
