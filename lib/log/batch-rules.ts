import type { Compression } from './compression/compression.js'

/** What a topic takes when its settings are not known: the default of `max.message.bytes`. */
export const usualBatchBytes = 1_048_588

/** Batches are no larger than this, whatever their topic takes: brokers and readers hold each as a whole. Single records may be. */
const roundBytes = 900_000

/** How the batches for one topic are made. One object for all who write to it: it changes when the topic's settings do. */
export interface BatchRule {
  /** Of a batch as it is sent: brokers refuse larger ones. */
  maxBytes: number
  /** Of a batch of several records, before compression. */
  roundBytes: number
  compression: Compression
}

/** How far timestamps may be ahead of the broker's clock, and behind it, milliseconds. */
export interface TimeLimits {
  afterMs: number
  beforeMs: number
}

/** Bytes of a batch, before compression, that is not to become larger; one of a single record may be. */
export const batchLimit = ({ maxBytes, roundBytes }: BatchRule): number => Math.min(maxBytes, roundBytes)

/** Bytes of the largest batch that a topic with these settings takes. */
export function maxBatchBytes(configs: ReadonlyMap<string, string>): number {
  // A batch that does not fit a segment is refused too (RECORD_LIST_TOO_LARGE).
  return Math.min(numberIn(configs, 'max.message.bytes', usualBatchBytes), numberIn(configs, 'segment.bytes', Infinity))
}

/** `Long.MAX_VALUE`, as a double. */
const noLimit = 2 ** 63

function timeLimits(configs: ReadonlyMap<string, string>): TimeLimits {
  // The broker puts its own time in their place.
  if (configs.get('message.timestamp.type') === 'LogAppendTime') return { afterMs: Infinity, beforeMs: Infinity }
  // Before 3.6 one setting for both; until 4.0 it counts where the others are as they were (KIP-937).
  const either = numberIn(configs, 'message.timestamp.difference.max.ms', noLimit)
  const limit = (name: string): number => {
    const own = numberIn(configs, name, noLimit)
    const ms = own < noLimit ? own : either
    return ms < noLimit ? ms : Infinity
  }
  return { afterMs: limit('message.timestamp.after.max.ms'), beforeMs: limit('message.timestamp.before.max.ms') }
}

function numberIn(configs: ReadonlyMap<string, string>, name: string, otherwise: number): number {
  const value = Number(configs.get(name) ?? NaN)
  return Number.isInteger(value) && value >= 0 ? value : otherwise
}

/** Of all topics that are written to. One that nothing has been noted of has no limit: it is not known yet. */
export class BatchRules {
  readonly #rules = new Map<string, BatchRule & TimeLimits>()

  of(topic: string): BatchRule & TimeLimits {
    let rule = this.#rules.get(topic)
    if (rule === undefined)
      this.#rules.set(
        topic,
        (rule = { maxBytes: Infinity, roundBytes, compression: 'none', afterMs: Infinity, beforeMs: Infinity }),
      )
    return rule
  }

  note(topic: string, configs: ReadonlyMap<string, string>): void {
    Object.assign(this.of(topic), { maxBytes: maxBatchBytes(configs), roundBytes, ...timeLimits(configs) })
  }

  /** Has batches packed; not where brokers store them unpacked, as then their limit is for what they store. */
  pack(topic: string, compression: Compression, configs: ReadonlyMap<string, string>): void {
    this.of(topic).compression = configs.get('compression.type') === 'uncompressed' ? 'none' : compression
  }

  get topics(): readonly string[] {
    return [...this.#rules.keys()]
  }
}
