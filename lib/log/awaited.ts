import { asBuffer } from '../core/bytes.js'
import type { Awaited } from '../core/key-format.js'

/** Where a record's key and value are; a negative start stands for none. */
interface Placed {
  readonly bytes: Buffer
  readonly keyStart: number
  readonly keyEnd: number
  readonly valueStart: number
  readonly valueEnd: number
}

/** The same of a topic's keys and values together. */
export interface AwaitedTopic {
  prepare(use: 'read' | 'write', signal: AbortSignal): Promise<void>
  /** Of the record that a cursor stands on. */
  missing(record: Placed): Promise<void> | undefined
  missingOf(key: Uint8Array | null, value: Uint8Array | null): Promise<void> | undefined
  readonly trouble: string | undefined
}

interface Formats {
  readonly keys?: { readonly awaited?: Awaited | undefined } | undefined
  readonly codec: { readonly awaited?: Awaited | undefined }
}

/** Undefined for a topic that need not wait for anything, as most. */
export function awaitedOf({ keys, codec }: Formats): AwaitedTopic | undefined {
  const [key, value] = [keys?.awaited, codec.awaited]
  if (key === undefined && value === undefined) return undefined
  return Object.freeze({
    async prepare(use: 'read' | 'write', signal: AbortSignal) {
      await key?.prepare(use, signal)
      await value?.prepare(use, signal)
    },
    missing({ bytes, keyStart, keyEnd, valueStart, valueEnd }: Placed) {
      const ofKey = keyStart < 0 ? undefined : key?.missing(bytes, keyStart, keyEnd)
      return ofKey ?? (valueStart < 0 ? undefined : value?.missing(bytes, valueStart, valueEnd))
    },
    missingOf(keyBytes: Uint8Array | null, bytes: Uint8Array | null) {
      const ofKey = keyBytes === null ? undefined : key?.missing(asBuffer(keyBytes), 0, keyBytes.length)
      return ofKey ?? (bytes === null ? undefined : value?.missing(asBuffer(bytes), 0, bytes.length))
    },
    get trouble() {
      return key?.trouble ?? value?.trouble
    },
  })
}

/** Resolves when all records of a batch can be decoded, which `cursor` goes over; undefined, without a promise, for other topics. */
export function allThere(
  awaited: AwaitedTopic | undefined,
  cursor: () => Placed & { next(): boolean },
  signal: AbortSignal,
): Promise<void> | undefined {
  return awaited && eachThere(awaited, cursor(), signal)
}

async function eachThere(
  awaited: AwaitedTopic,
  cursor: Placed & { next(): boolean },
  signal: AbortSignal,
): Promise<void> {
  while (nextOf(cursor)) {
    for (let missing = awaited.missing(cursor); missing !== undefined; missing = awaited.missing(cursor)) {
      await missing
      if (signal.aborted) return
    }
  }
}

/** What cannot be gone over is refused by whoever reads it. */
function nextOf(cursor: { next(): boolean }): boolean {
  try {
    return cursor.next()
  } catch {
    return false
  }
}
