import type { Isolation } from '../../log/port.js'
import { type Api, readByTopic, writeByTopic } from './api.js'

/** Which end of a partition. */
export type LogEnd = 'start' | 'end'
const ends = { start: -2, end: -1 } as const

export interface ListOffsetsRequest {
  readonly isolation: Isolation
  /** Or the first record of this timestamp or a later one: -1 in the answer when there is none. */
  readonly which: LogEnd | number
  readonly partitions: readonly { readonly topic: string; readonly partition: number }[]
}

export interface ListedOffset {
  readonly topic: string
  readonly partition: number
  readonly errorCode: number
  readonly offset: number
}

/** Source: https://kafka.apache.org/protocol.html#The_Messages_ListOffsets */
export const listOffsets: Api<ListOffsetsRequest, readonly ListedOffset[]> = {
  key: 2,
  name: 'ListOffsets',
  lowest: 2,
  highest: 6,
  flexibleFrom: 6,
  encode(writer, request, version) {
    writer.int32(-1).int8(request.isolation === 'committed' ? 1 : 0)
    writeByTopic(writer, request.partitions, ({ partition }) => {
      writer.int32(partition)
      if (version >= 4) writer.int32(-1) // any leader epoch
      writer.int64(typeof request.which === 'number' ? request.which : ends[request.which]).end()
    })
    writer.end()
  },
  decode(reader, version) {
    reader.throttle()
    return readByTopic(reader, (topic) => {
      const partition = reader.int32()
      const errorCode = reader.int16()
      reader.int64() // timestamp
      const offset = reader.int64()
      if (version >= 4) reader.int32() // leader_epoch
      reader.end()
      return { topic, partition, errorCode, offset }
    })
  },
}
