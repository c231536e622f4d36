import { type Api, readByTopic, writeByTopic } from './api.js'

export interface ProduceRequest {
  readonly transactionalId: string | null
  readonly timeoutMs: number
  /** At most one batch of a partition: two are refused (INVALID_RECORD). */
  readonly batches: readonly ProducedBatch[]
}

export interface ProducedBatch {
  readonly topic: string
  readonly partition: number
  readonly bytes: Uint8Array
}

export interface ProduceResult {
  readonly topic: string
  readonly partition: number
  readonly errorCode: number
  readonly baseOffset: number
  readonly errorMessage: string | null
  /** Which records of the batch are to blame, where the broker says so (KIP-467). */
  readonly recordErrors: readonly RecordError[]
}

export type RecordError = readonly [batchIndex: number, message: string | null]

/** Always acks=all. Source: https://kafka.apache.org/protocol.html#The_Messages_Produce */
export const produce: Api<ProduceRequest, readonly ProduceResult[]> = {
  key: 0,
  name: 'Produce',
  lowest: 9,
  highest: 11,
  flexibleFrom: 9,
  encode(writer, request) {
    writer.string(request.transactionalId).int16(-1).int32(request.timeoutMs)
    writeByTopic(writer, request.batches, (batch) => writer.int32(batch.partition).bytes(batch.bytes).end())
    writer.end()
  },
  decode(reader) {
    const results = readByTopic(reader, (topic) => {
      const partition = reader.int32()
      const errorCode = reader.int16()
      const baseOffset = reader.int64()
      reader.int64() // log_append_time_ms
      reader.int64() // log_start_offset
      const recordErrors = reader.array((): RecordError => {
        const batchIndex = reader.int32()
        const message = reader.nullableString()
        reader.end()
        return [batchIndex, message]
      })
      const errorMessage = reader.nullableString()
      reader.end()
      return { topic, partition, errorCode, baseOffset, errorMessage, recordErrors }
    })
    reader.throttle()
    return results
  },
  sizeHint: (request) =>
    request.batches.reduce((size, batch) => size + batch.bytes.length + batch.topic.length + 32, 128),
}
