import { MillraceError } from '../core/errors.js'
import type { TopicPartition } from '../core/record.js'

/**
 * Answers to Produce that are about the records in a batch: other records would have been taken. All others are about its
 * producer, or about the topic as a whole. Source: https://kafka.apache.org/protocol.html#protocol_error_codes
 */
const ofRecords: Readonly<Record<number, string>> = {
  2: 'CORRUPT_MESSAGE',
  10: 'MESSAGE_TOO_LARGE',
  18: 'RECORD_LIST_TOO_LARGE',
  32: 'INVALID_TIMESTAMP',
  87: 'INVALID_RECORD',
}

export const refusedAs = { messageTooLarge: 10, listTooLarge: 18, invalidTimestamp: 32, invalidRecord: 87 } as const

/** Sentences of a broker that are passed on: it may have one for each record. */
const mostSentences = 3

/** What a broker says of a batch that it does not take. */
export interface Refusal {
  readonly brokerCode: number
  /** In the broker's words, where it has any. */
  readonly why: string | null
  /** Places in the batch of the records that it names, from 0 on, and what it says of each. */
  readonly records: readonly (readonly [place: number, why: string | null])[]
}

export function isOfRecords(brokerCode: number): boolean {
  return brokerCode in ofRecords
}

const tooLarge: ReadonlySet<number | undefined> = new Set([refusedAs.messageTooLarge, refusedAs.listTooLarge])

/** Whether a broker refused a batch because of its size. */
export function isTooLarge(error: unknown): boolean {
  return MillraceError.is(error, 'RECORDS_REFUSED') && tooLarge.has(error.brokerCode)
}

/** `RECORDS_REFUSED` for a batch of so many bytes. */
export function recordsRefused(
  { topic, partition }: TopicPartition,
  bytes: number,
  { brokerCode, why, records }: Refusal,
): MillraceError {
  const places = records.map(([place]) => place)
  const named = places.length === 0 ? 'records' : places.length === 1 ? 'a record' : `${places.length} records`
  const sentences = [...new Set([why, ...records.map(([, each]) => each)])].filter((each) => each !== null)
  const code = `${ofRecords[brokerCode] ?? 'error'} (${brokerCode})`
  const said = sentences.length === 0 ? '' : `: ${sentences.slice(0, mostSentences).join(' ')}`
  return new MillraceError(
    'RECORDS_REFUSED',
    `${topic}[${partition}]: the broker refuses ${named} in a batch of ${bytes} bytes, ${code}${said}`,
    { topic, partition, brokerCode, ...(places.length === 0 ? {} : { records: places }) },
  )
}
