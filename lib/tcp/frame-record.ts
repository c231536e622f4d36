import type { SourceRecord } from '../connect/index.js'
import { reasonOf } from '../core/errors.js'
import { isThenable, kindOf } from '../core/record-checks.js'

/** What a frame says, beside its id. */
export type FrameParts = Pick<SourceRecord, 'key' | 'value' | 'bytes' | 'timestamp' | 'headers'>

export type RecordMaker = (frame: Buffer, client: string, number: number) => SourceRecord

/** A frame as it came. Where it came from is put together when somebody asks. */
class FrameRecord implements SourceRecord {
  readonly bytes: Uint8Array
  readonly #client: string
  readonly #number: number

  constructor(bytes: Uint8Array, client: string, number: number) {
    this.bytes = bytes
    this.#client = client
    this.#number = number
  }

  get at(): string {
    return place(this.#client, this.#number)
  }
}

const place = (client: string, number: number): string => `${client} frame ${number}`

/** A frame that `record` or `id` throws on, or gives nothing usable of, is refused with its bytes. */
export function recordMaker(
  record: ((frame: Buffer) => FrameParts) | undefined,
  id: ((frame: Buffer) => string) | undefined,
): RecordMaker {
  if (record === undefined && id === undefined) return (frame, client, number) => new FrameRecord(frame, client, number)
  return (frame, client, number) => {
    const at = place(client, number)
    try {
      const parts = record === undefined ? { bytes: frame } : checkedParts(record(frame), frame)
      return id === undefined ? { ...parts, at } : { ...parts, id: checkedId(id(frame)), at }
    } catch (error) {
      return { bytes: frame, refused: reasonOf(error), at }
    }
  }
}

function checkedParts(parts: unknown, frame: Buffer): FrameParts {
  if (typeof parts !== 'object' || parts === null || isThenable(parts))
    throw new Error(`'record' gave ${kindOf(parts)}; it gives an object with key, value or bytes, timestamp, headers`)
  const { key, value, bytes, timestamp, headers } = parts as FrameParts
  return {
    ...(value === undefined ? { bytes: bytes ?? frame } : { value }),
    ...(key === undefined ? {} : { key }),
    ...(timestamp === undefined ? {} : { timestamp }),
    ...(headers === undefined ? {} : { headers }),
  }
}

function checkedId(id: unknown): string {
  if (typeof id === 'string' && id !== '') return id
  throw new Error(`'id' gave ${id === '' ? 'empty text' : kindOf(id)}; it gives a text that is not empty`)
}
