import { MillraceError, reasonOf } from '../../core/errors.js'
import { demandEncoded, forget, isThenable } from '../../core/record-checks.js'
import type { PublishDefinition } from '../../model/kind.js'
import type { Entry } from '../../state/table.js'
import type { Outbox } from './outbox.js'

/**
 * The row of an object; null for a deleted one, or when `row` says so. Undefined for one that is deleted and never had a row,
 * since its key is none of the topic's. `state`: a copy, which the function that makes the row may keep and change. Throws `PUBLISH_FAILED` and `RECORD_TOO_LARGE`.
 */
export function rowOf(
  { target, row }: PublishDefinition,
  { key, state }: Pick<Entry, 'key' | 'state'>,
  outbox: Outbox,
): Row {
  if (state === undefined && !hasKey(target, key)) return undefined
  const encoded = state === undefined ? null : made(target, row, key, state)
  outbox.demandFits('publish', target.name, rowKey(target, key), encoded, undefined)
  return encoded
}

export type Row = string | Uint8Array | null | undefined

function hasKey(target: PublishDefinition['target'], key: string): boolean {
  try {
    target.keys.bytes(key)
    return true
  } catch {
    return false
  }
}

/** The key of an object's row, as the topic has keys. Throws `PUBLISH_FAILED`. */
export function rowKey(target: PublishDefinition['target'], key: string): string | Uint8Array {
  try {
    return target.keys.bytes(key)
  } catch (cause) {
    const what = `publish to ${target.name} for '${key}': ${reasonOf(cause)}, which its keys are`
    throw new MillraceError('PUBLISH_FAILED', what, { topic: target.name, key, cause })
  }
}

function made(
  target: PublishDefinition['target'],
  row: PublishDefinition['row'],
  key: string,
  state: unknown,
): string | Uint8Array | null {
  try {
    const value = row(state as never, key)
    if (value === null) return null
    if (isThenable(value)) throw pending(value)
    return demandEncoded(target.codec.encode(value as never), target.name)
  } catch (cause) {
    const what = `publish to ${target.name} for '${key}': the row could not be made (${reasonOf(cause)})`
    throw new MillraceError('PUBLISH_FAILED', what, { topic: target.name, key, cause })
  }
}

function pending(promise: PromiseLike<unknown>): TypeError {
  forget(promise)
  return new TypeError('it gave a promise; a row is made when the commit is sealed, and cannot wait for anything')
}
