import { sizeAbove } from '../../core/bytes.js'
import { MillraceError, reasonOf } from '../../core/errors.js'
import { demandEncoded, forget, isThenable } from '../../core/record-checks.js'
import type { PublishDefinition } from '../../model/kind.js'
import type { Entry } from '../../state/table.js'

/** The row of an object; null for a deleted one, or when `row` says so. Throws `PUBLISH_FAILED` and `RECORD_TOO_LARGE`. */
export function rowOf(
  { target, row }: PublishDefinition,
  { key, state }: Entry,
  maxRecordBytes: number,
): string | Uint8Array | null {
  if (state === undefined) return null
  let encoded: string | Uint8Array
  try {
    const value = row(state as never, key)
    if (value === null) return null
    if (isThenable(value)) throw pending(value)
    encoded = demandEncoded(target.codec.encode(value), target.name)
  } catch (cause) {
    const what = `publish to ${target.name} for '${key}': the row could not be made (${reasonOf(cause)})`
    throw new MillraceError('PUBLISH_FAILED', what, { topic: target.name, key, cause })
  }
  const size = sizeAbove(maxRecordBytes, encoded)
  if (size === undefined) return encoded
  const what = `publish to ${target.name} for '${key}': the row has ${size} bytes, ${maxRecordBytes} are allowed (option maxRecordBytes)`
  throw new MillraceError('RECORD_TOO_LARGE', what, { topic: target.name, key })
}

function pending(promise: PromiseLike<unknown>): TypeError {
  forget(promise)
  return new TypeError('it gave a promise; a row is made when the commit is sealed, and cannot wait for anything')
}
