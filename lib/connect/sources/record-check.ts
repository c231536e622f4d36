import { isBytes } from '../../core/bytes.js'
import { MillraceError, reasonOf, type ErrorCode } from '../../core/errors.js'
import { demandEncoded, demandHeaders, demandKeyFor, demandTimestamp, kindOf } from '../../core/record-checks.js'
import { RecordRefused } from '../../core/record-refused.js'
import type { Headers } from '../../core/record.js'
import { misfit } from '../../log/record-size.js'
import type { SourceRecord } from '../source.js'
import type { Setting } from './setting.js'

/** A record as it goes into its topic. */
export interface CheckedRecord {
  readonly key: string | Uint8Array | null
  readonly value: string | Uint8Array | null
  readonly timestamp: number
  readonly headers: Headers | undefined
}

/** Characters of an id: they are written with each commit. */
const longestId = 1_024

/** Throws `RecordRefused`. */
export function idOf(record: unknown): string | undefined {
  const id = read(record, 'id')
  if (id === undefined) return undefined
  if (typeof id === 'string' && id !== '' && id.length <= longestId && id.isWellFormed()) return id
  const what =
    typeof id === 'string'
      ? id === ''
        ? 'empty'
        : id.length > longestId
          ? `of ${id.length} characters`
          : 'no well-formed text'
      : kindOf(id)
  throw new RecordRefused('RECORD_INVALID', `its id is ${what}; give text of 1 to ${longestId} characters`)
}

/** Checks what a connector gave for a record. Throws `RecordRefused`, whatever is wrong with it. */
export function checkedRecord(setting: Setting, record: unknown): CheckedRecord {
  const { into, times, rules, maxRecordBytes, clock } = setting
  if (typeof record !== 'object' || record === null) throw invalid(`it is ${kindOf(record)}; give an object with value`)
  const given = fieldsOf(record)
  if (given.refused !== undefined) throw new RecordRefused('VALUE_INVALID', reasonOf(given.refused))
  const value = valueIn(setting, given)
  const { name } = into
  try {
    const key = keyIn(setting, given, value.decoded)
    const headers = given.headers === undefined ? undefined : demandHeaders(given.headers, name)
    const asked = given.timestamp === undefined ? clock.now() : demandTimestamp(given.timestamp, name)
    const timestamp = given.timestamp === undefined ? asked : times.taken(into, asked, name)
    const why = misfit(rules.of(name), maxRecordBytes, key, value.encoded, headers)
    if (why !== undefined) throw new RecordRefused('RECORD_TOO_LARGE', `${name}: the record ${why}`)
    return { key, value: value.encoded, timestamp, headers }
  } catch (error) {
    throw error instanceof RecordRefused ? error : RecordRefused.because(error, 'RECORD_INVALID')
  }
}

/** Read once: they may be getters, and throw. */
function fieldsOf(record: object): SourceRecord {
  try {
    const { key, value, bytes, refused, timestamp, headers } = record as SourceRecord
    return { key, value, bytes, refused, timestamp, headers } as SourceRecord
  } catch (cause) {
    throw RecordRefused.by('RECORD_INVALID', 'reading its fields', cause)
  }
}

interface Value {
  readonly encoded: string | Uint8Array | null
  /** As the key function gets it; of bytes it is read when it is needed. */
  readonly decoded: unknown
}

function valueIn({ into: { name, codec } }: Setting, { value, bytes }: SourceRecord): Value {
  if (bytes === undefined) {
    if (value === undefined) throw invalid('it has neither value nor bytes; give value: null for a tombstone')
    if (value === null) return { encoded: null, decoded: null }
    return {
      encoded: attempt(`its value has no form for ${name}`, () => demandEncoded(codec.encode(value), name)),
      decoded: value,
    }
  }
  if (value !== undefined) throw invalid('it has both value and bytes; give one of them')
  if (!isBytes(bytes)) throw invalid(`its bytes are ${kindOf(bytes)}; give a Uint8Array`)
  // A copy: connectors read into the same buffer again.
  const own = Buffer.from(bytes)
  return { encoded: own, decoded: attempt(`its bytes are no value of ${name}`, () => codec.decode(own)) }
}

function attempt<T>(what: string, act: () => T): T {
  try {
    return act()
  } catch (cause) {
    const code: ErrorCode = MillraceError.is(cause) ? cause.code : 'VALUE_INVALID'
    throw new RecordRefused(code, `${what}: ${reasonOf(cause)}`, { cause })
  }
}

function keyIn({ into, key: keyOf }: Setting, { key }: SourceRecord, value: unknown): string | Uint8Array | null {
  if (key !== undefined) return demandKeyFor(into.keys, key, into.name)
  // The function is for values; a tombstone without a key deletes nothing.
  if (keyOf === undefined || value === null) return null
  let given: unknown
  try {
    given = keyOf(value)
  } catch (cause) {
    throw RecordRefused.by('EXTRACTOR_FAILED', 'the key function of the source', cause)
  }
  return demandKeyFor(into.keys, given, into.name)
}

const invalid = (what: string): RecordRefused => new RecordRefused('RECORD_INVALID', what)

/** A field of anything, also of what throws when it is looked at. */
export function read(record: unknown, name: keyof SourceRecord): unknown {
  try {
    return (record as Partial<SourceRecord> | null | undefined)?.[name]
  } catch {
    return undefined
  }
}
