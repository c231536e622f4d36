import { MillraceError, reasonOf } from '../core/errors.js'
import type { Headers } from '../core/record.js'
import type { RecordCursor } from '../log/port.js'
import type { Outbox } from './outbox.js'

/** Where dead letters of an app go. */
export interface DeadLetterTarget {
  readonly app: string
  readonly topic: string
  readonly partitions: number
}

/**
 * Appends a record to the dead-letter topic as it was read: key, value bytes, headers and timestamp unchanged, with its
 * coordinates and the error in headers of their own.
 */
export function deadLetter(
  outbox: Outbox,
  target: DeadLetterTarget,
  at: { readonly topic: string; readonly partition: number },
  cursor: RecordCursor,
  error: unknown,
): void {
  const { bytes, keyStart, keyEnd, valueStart, valueEnd } = cursor
  const headers: Headers = new Map([
    ...cursor.headers(),
    ['millrace.app', Buffer.from(target.app)],
    ['millrace.error.code', Buffer.from(MillraceError.is(error) ? error.code : 'VALUE_INVALID')],
    ['millrace.error.message', Buffer.from(reasonOf(error))],
    ['millrace.source.topic', Buffer.from(at.topic)],
    ['millrace.source.partition', Buffer.from(String(at.partition))],
    ['millrace.source.offset', Buffer.from(String(cursor.offset))],
  ])
  const key = keyStart < 0 ? null : bytes.subarray(keyStart, keyEnd)
  const value = valueStart < 0 ? null : bytes.subarray(valueStart, valueEnd)
  outbox.add(target.topic, at.partition % target.partitions, key, value, cursor.timestamp, headers)
}
