import { asBuffer } from '../../core/bytes.js'
import { reasonOf } from '../../core/errors.js'
import { textKeys } from '../../core/key-format.js'
import { demandEncoded, demandKeyFor } from '../../core/record-checks.js'
import { RecordRefused } from '../../core/record-refused.js'
import type { RecordInfo } from '../../core/record.js'
import type { HeaderSection } from '../../log/format/record-headers.js'
import type { FlowDefinition } from '../../model/stream.js'
import { keyBytes } from '../../turn/kept/record-bytes.js'
import { writableTime } from '../../log/output-times.js'
import type { Passage } from './passage.js'
import { mostHeldBytes, tooMuch, type Sink } from './sinks.js'

/**
 * Writes the values of a stream to a topic. What nothing looks at goes on as the bytes that it is: headers, and the key where no
 * function gives another.
 */
export function flowSink({ target, key }: FlowDefinition, passage: Passage): Sink {
  const { name } = target
  const where = `the flow to ${name}`
  /** Bytes for the values of one record, which are written together. */
  let prepared = 0
  const keyOf = key as ((value: unknown, record: RecordInfo) => unknown) | undefined

  /** The key as it is; where the target says what its keys are, it must be one. */
  const handedOn = (): Uint8Array | null => {
    const bytes = keyBytes(passage.cursor)
    if (bytes === null || target.keys === textKeys) return bytes
    try {
      target.keys.text(asBuffer(bytes), 0, bytes.length)
      return bytes
    } catch (cause) {
      const what = `the key of the record is none of the target: ${reasonOf(cause)}. Give to(…) a key function.`
      throw new RecordRefused('RECORD_INVALID', `${where}: ${what}`, { cause })
    }
  }

  const keyFor = (value: unknown, record: RecordInfo): string | Uint8Array | null => {
    if (keyOf === undefined) return handedOn()
    let own: unknown
    try {
      own = keyOf(value, record)
    } catch (cause) {
      throw RecordRefused.by('STEP_FAILED', `the key function of ${where}`, cause)
    }
    try {
      return demandKeyFor(target.keys, own, where)
    } catch (error) {
      throw RecordRefused.because(error, 'RECORD_INVALID')
    }
  }

  const encoded = (value: unknown): string | Uint8Array | null => {
    if (value === null) return null
    try {
      return demandEncoded(target.codec.encode(value), where)
    } catch (error) {
      throw new RecordRefused('VALUE_INVALID', `its value for ${name} has no form: ${reasonOf(error)}`, {
        cause: error,
      })
    }
  }

  const timeOf = (record: RecordInfo): number => {
    try {
      return passage.times.taken(target, writableTime(record.timestamp), where)
    } catch (error) {
      throw RecordRefused.because(error, 'RECORD_INVALID')
    }
  }

  return {
    take(value, record) {
      const own = keyFor(value, record)
      const bytes = encoded(value)
      const headers = passage.cursor.headerSection()
      demandFits(passage, name, own, bytes, headers)
      passage.outbox.route(name, passage.partitions.get(name), own, bytes, timeOf(record), headers)
    },
    leadsTo: () => 'more',
    begin: () => void (prepared = 0),
    prepare(value, record) {
      const own = keyFor(value, record)
      const bytes = encoded(value)
      const headers = passage.cursor.headerSection()
      demandFits(passage, name, own, bytes, headers)
      const time = timeOf(record)
      prepared += (own?.length ?? 0) + (bytes?.length ?? 0) + headers.length
      if (prepared > mostHeldBytes) throw tooMuch()
      return () => passage.outbox.route(name, passage.partitions.get(name), own, bytes, time, headers)
    },
  }
}

function demandFits(
  { outbox }: Passage,
  topic: string,
  key: string | Uint8Array | null,
  value: string | Uint8Array | null,
  headers: HeaderSection,
): void {
  const why = outbox.misfit(topic, key, value, headers)
  if (why !== undefined) throw new RecordRefused('RECORD_TOO_LARGE', `the flow to ${topic}: the record ${why}`)
}
