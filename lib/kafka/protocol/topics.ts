import type { NewTopic } from '../../log/port.js'
import type { Api } from './api.js'

export interface CreatedTopic {
  readonly name: string
  readonly errorCode: number
  readonly errorMessage: string | null
}

/** From version 5 on -1 means the broker's default. Source: https://kafka.apache.org/protocol.html#The_Messages_CreateTopics */
export const createTopics: Api<
  { readonly topics: readonly NewTopic[]; readonly timeoutMs: number },
  readonly CreatedTopic[]
> = {
  key: 19,
  name: 'CreateTopics',
  lowest: 5,
  highest: 7,
  flexibleFrom: 5,
  encode(writer, { topics, timeoutMs }) {
    writer.array(topics, (topic) => {
      writer.string(topic.name).int32(topic.partitions).int16(topic.replicationFactor)
      writer.array([], () => undefined) // assignments
      writer.array(Object.entries(topic.configs), ([name, value]) => writer.string(name).string(value).end())
      writer.end()
    })
    writer.int32(timeoutMs).boolean(false).end() // validate_only
  },
  decode(reader, version) {
    reader.throttle()
    return reader.array(() => {
      const name = reader.string()
      if (version >= 7) reader.uuid() // topic_id
      const errorCode = reader.int16()
      const errorMessage = reader.nullableString()
      reader.int32() // num_partitions
      reader.int16() // replication_factor
      reader.array(() => {
        reader.string() // name
        reader.nullableString() // value
        reader.boolean() // read_only
        reader.int8() // config_source
        reader.boolean() // is_sensitive
        reader.end()
      })
      reader.end()
      return { name, errorCode, errorMessage }
    })
  },
}

export interface DeletedTopic {
  readonly name: string
  readonly errorCode: number
  readonly errorMessage: string | null
}

/** Source: https://kafka.apache.org/protocol.html#The_Messages_DeleteTopics */
export const deleteTopics: Api<
  { readonly topics: readonly string[]; readonly timeoutMs: number },
  readonly DeletedTopic[]
> = {
  key: 20,
  name: 'DeleteTopics',
  lowest: 1,
  highest: 5,
  flexibleFrom: 4,
  encode(writer, { topics, timeoutMs }) {
    writer.array(topics, (topic) => writer.string(topic))
    writer.int32(timeoutMs).end()
  },
  decode(reader, version) {
    reader.throttle()
    return reader.array(() => {
      const name = reader.string()
      const errorCode = reader.int16()
      const errorMessage = version >= 5 ? reader.nullableString() : null
      reader.end()
      return { name, errorCode, errorMessage }
    })
  },
}

export interface DescribedConfigs {
  readonly topic: string
  readonly errorCode: number
  readonly errorMessage: string | null
  readonly configs: ReadonlyMap<string, string>
}

const topicResource = 2

/** All settings in effect, defaults included. Source: https://kafka.apache.org/protocol.html#The_Messages_DescribeConfigs */
export const describeConfigs: Api<{ readonly topics: readonly string[] }, readonly DescribedConfigs[]> = {
  key: 32,
  name: 'DescribeConfigs',
  lowest: 1,
  highest: 4,
  flexibleFrom: 4,
  encode(writer, { topics }, version) {
    writer.array(topics, (topic) => {
      writer.int8(topicResource).string(topic)
      writer.array(null, () => undefined) // all configuration keys
      writer.end()
    })
    writer.boolean(false) // include_synonyms
    if (version >= 3) writer.boolean(false) // include_documentation
    writer.end()
  },
  decode(reader, version) {
    reader.throttle()
    return reader.array(() => {
      const errorCode = reader.int16()
      const errorMessage = reader.nullableString()
      reader.int8() // resource_type
      const topic = reader.string()
      const configs = new Map<string, string>()
      reader.array(() => {
        const name = reader.string()
        const value = reader.nullableString()
        reader.boolean() // read_only
        reader.int8() // config_source
        reader.boolean() // is_sensitive
        reader.array(() => {
          reader.string() // synonym name
          reader.nullableString() // value
          reader.int8() // source
          reader.end()
        })
        if (version >= 3) {
          reader.int8() // config_type
          reader.nullableString() // documentation
        }
        reader.end()
        if (value !== null) configs.set(name, value)
      })
      reader.end()
      return { topic, errorCode, errorMessage, configs }
    })
  },
}
