import { awaitedOf } from '../../log/awaited.js'
import type { RecordCursor } from '../../log/port.js'
import type { TopicNode } from '../../model/stream.js'

/** What must be asked for before the record that a cursor stands on can be decoded. */
export interface Awaiting {
  /** Undefined: nothing. Never rejects; ask again when it has resolved. */
  missing(): Promise<void> | undefined
  /** Why it takes long. */
  readonly trouble: string | undefined
}

/** Of a source. Undefined for topics that need nothing, as most. */
export function awaitingOf(topic: TopicNode, cursor: RecordCursor): Awaiting | undefined {
  const awaited = awaitedOf(topic)
  if (awaited === undefined) return undefined
  return {
    missing: () => awaited.missing(cursor),
    get trouble() {
      return awaited.trouble
    },
  }
}

/** A record that hopped, as it was in its topic. */
interface Hopped {
  readonly topic: string
  readonly address: { readonly key: Uint8Array | null }
}

/** Of an inbox, whose records come from these topics. `read` gives the one that the cursor stands on; undefined: it is none. */
export function awaitingIn(
  nodes: readonly TopicNode[],
  cursor: RecordCursor,
  read: () => Hopped | undefined,
): Awaiting | undefined {
  const topics = new Map(
    nodes.flatMap((node) => {
      const awaited = awaitedOf(node)
      return awaited === undefined ? [] : [[node.name, awaited] as const]
    }),
  )
  if (topics.size === 0) return undefined
  return {
    missing() {
      // Those of objects have keys.
      if (cursor.keyStart < 0) return undefined
      const record = read()
      const { valueStart, valueEnd } = cursor
      const value = valueStart < 0 ? null : cursor.bytes.subarray(valueStart, valueEnd)
      return record && topics.get(record.topic)?.missingOf(record.address.key, value)
    },
    get trouble() {
      return [...topics.values()].find(({ trouble }) => trouble !== undefined)?.trouble
    },
  }
}
