import { asBuffer } from '../../core/bytes.js'
import { RecordRefused } from '../../core/record-refused.js'
import type { RecordInfo } from '../../core/record.js'
import type { Push, SourcePath } from '../../model/paths.js'
import type { TopicNode } from '../../model/stream.js'
import { decodeValue } from './record-bytes.js'

/**
 * One way from a source topic into an input, for records that have gone it before: their values are made of the record's
 * bytes again. So what waits or travels is what the source had, whatever form steps give it, and no handler sees what another
 * attempt has left.
 */
export class Way {
  readonly topic: TopicNode
  /** Its steps make other values than the one in the topic. */
  readonly changed: boolean
  readonly #tombstones: boolean
  readonly #steps: Push
  #wanted: readonly number[] = []
  #seen = 0
  #found: unknown[] = []

  constructor({ topic, changed, tombstones, fuse }: SourcePath) {
    this.topic = topic
    this.changed = changed
    this.#tombstones = tombstones
    this.#steps = fuse((value) => this.#arrived(value))
  }

  /** The value in the topic. Throws what the codec throws. */
  decode(value: Uint8Array | null): unknown {
    if (value === null && this.#tombstones) return null
    const { codec } = this.topic
    return value === null ? decodeValue(codec, empty, -1, -1) : decodeValue(codec, asBuffer(value), 0, value.length)
  }

  /** The value that the steps made of the decoded one, or one of those. Refused as steps refuse, and when it is not there any more. */
  again(decoded: unknown, record: RecordInfo, element: number): unknown {
    return this.changed ? this.allAgain(decoded, record, [element])[0] : decoded
  }

  /** Several of them; `elements` in ascending order. */
  allAgain(decoded: unknown, record: RecordInfo, elements: readonly number[]): readonly unknown[] {
    this.#wanted = elements
    this.#seen = 0
    const found: unknown[] = (this.#found = [])
    this.#steps(decoded, record)
    if (found.length === elements.length) return found
    throw new RecordRefused(
      'STEP_FAILED',
      `its value ${elements[found.length]} was to have a turn, and the steps of the stream, run again, gave ${this.#seen} values. They must give the same for the same record; were they changed since?`,
    )
  }

  #arrived(value: unknown): void {
    if (this.#seen++ === this.#wanted[this.#found.length]) this.#found.push(value)
  }
}

const empty = Buffer.alloc(0)
