import {
  isControl,
  isTransactional,
  nextOffsetAt,
  producerIdAt,
  recordCountAt,
  headerBytes,
} from './format/batch-header.js'
import { VarintReader } from './format/varint.js'
import type { Fetched } from './port.js'

/** Decides batch by batch, in the order of the log, what a `read_committed` reader may not see. */
export interface CommitFilter {
  /** Whether the batch at `position` belongs to an aborted transaction. Control batches move the filter on. */
  hides(bytes: Buffer, position: number, end: number): boolean
}

/**
 * The filter for one fetch answer (KIP-98, "Consumer"), stateless between answers since each lists the transactions that
 * were aborted within it or reach into it. Undefined when nothing can be hidden.
 */
export function commitFilter(fetched: Fetched): CommitFilter | undefined {
  if (fetched.isolation === 'all' || fetched.aborted.length === 0) return undefined
  // Brokers list them by where they end: half of the answers of a real broker were not in order of their first offset.
  return new AbortedRanges([...fetched.aborted].sort((one, other) => one[1] - other[1]))
}

class AbortedRanges implements CommitFilter {
  readonly #ranges: Fetched['aborted']
  readonly #open = new Set<bigint>()
  #following = 0

  constructor(ranges: Fetched['aborted']) {
    this.#ranges = ranges
  }

  hides(bytes: Buffer, position: number, end: number): boolean {
    this.#openBelow(nextOffsetAt(bytes, position))
    if (isControl(bytes, position)) {
      if (isAbortMarker(bytes, position, end)) this.#open.delete(producerIdAt(bytes, position))
      return true
    }
    return this.#open.size > 0 && isTransactional(bytes, position) && this.#open.has(producerIdAt(bytes, position))
  }

  #openBelow(offset: number): void {
    for (; this.#following < this.#ranges.length; this.#following++) {
      const [producerId, firstOffset] = this.#ranges[this.#following]!
      if (firstOffset >= offset) return
      this.#open.add(producerId)
    }
  }
}

/** The first record's key is `version:2 type:2`, type 0 abort, 1 commit. Compaction can leave a control batch without records. */
function isAbortMarker(bytes: Buffer, position: number, end: number): boolean {
  if (recordCountAt(bytes, position) < 1) return false
  const reader = new VarintReader(bytes, position + headerBytes)
  // Length; then attributes, a byte that reads as a varint; timestamp delta; offset delta.
  for (let field = 0; field < 4; field++) reader.skip()
  if (reader.int() < 4 || reader.position + 4 > end) return false
  return bytes.readInt16BE(reader.position + 2) === 0
}
