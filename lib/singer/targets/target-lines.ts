import { SinkRefused } from '../../connect/sink-refused.js'
import type { SinkBatch, SinkRecord } from '../../connect/sink.js'
import { cutText, reasonOf } from '../../core/errors.js'
import { isJsonObject, type JsonObject } from '../messages/json-object.js'
import { jsonText } from '../messages/json-text.js'
import type { SingerSinkOptions } from './sink-options.js'
import { keyColumn, schemaMessage } from './target-schema.js'

/** What a program is told of the batches of a topic, as lines. */
export class TargetLines {
  readonly schema: string
  readonly #stream: string
  readonly #options: SingerSinkOptions<never>

  constructor(topic: string, options: SingerSinkOptions<never>) {
    this.#stream = options.stream ?? topic
    this.#options = options
    this.schema = `${JSON.stringify(schemaMessage(this.#stream, options))}\n`
  }

  /** Throws `SinkRefused` for records that cannot be written as messages. */
  of({ records }: SinkBatch): string[] {
    const lines: string[] = []
    const refused = new Map<number, string>()
    for (const record of records) {
      try {
        const line = this.#line(record)
        if (line !== undefined) lines.push(line)
      } catch (error) {
        refused.set(record.offset, cutText(reasonOf(error), 1_000))
      }
    }
    if (refused.size > 0) throw new SinkRefused(refused)
    return lines
  }

  #line(record: SinkRecord): string | undefined {
    const content = record.value === null ? this.#deletion(record) : this.#content(record)
    if (content === undefined) return undefined
    const time = JSON.stringify(new Date(record.timestamp).toISOString())
    return `{"type":"RECORD","stream":${JSON.stringify(this.#stream)},"record":${content},"time_extracted":${time}}\n`
  }

  #content(record: SinkRecord): string {
    const { value } = this.#options
    const content: unknown = value === undefined ? record.value : value(record.value as never, record as never)
    if (typeof content !== 'object' || content === null || Array.isArray(content) || ArrayBuffer.isView(content))
      throw new Error("a RECORD holds an object, and this is none: give 'value', which makes one")
    return jsonText(content)
  }

  #deletion({ key, timestamp }: SinkRecord): string | undefined {
    const { tombstones = 'refuse' } = this.#options
    if (tombstones === 'skip') return undefined
    if (tombstones === 'refuse') throw new Error("a tombstone: set tombstones: 'skip', or 'deleted-at'")
    if (key === null) throw new Error('a tombstone without a key, which deletes nothing')
    return jsonText({ ...keyColumn(key, this.#options), _sdc_deleted_at: new Date(timestamp).toISOString() })
  }
}

/** What it is to say when it has the batch: the value of our STATE. */
export interface Ack {
  readonly topic: string
  readonly partition: number
  readonly nextOffset: number
  /** Counted for each program: the same records may be sent twice, and what is said of the first time says nothing of the second. */
  readonly batch: number
}

export const stateLine = (value: Ack): string => `${JSON.stringify({ type: 'STATE', value })}\n`

/** Programs repeat the value of a STATE, and some the message. */
export function ackIn(said: unknown): Ack | undefined {
  if (!isJsonObject(said)) return undefined
  const value = typeof said.type === 'string' && isJsonObject(said.value) ? said.value : said
  return isAck(value) ? value : undefined
}

function isAck(value: JsonObject): value is JsonObject & Ack {
  const { topic, partition, nextOffset, batch } = value
  return typeof topic === 'string' && [partition, nextOffset, batch].every(Number.isSafeInteger)
}
