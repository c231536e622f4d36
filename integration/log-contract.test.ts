import { silentLogger } from '../lib/core/logger.js'
import { type KafkaLog, kafkaLog } from '../lib/kafka/kafka-log.js'
import { type ContractLog, logContract } from '../lib/testing/log-contract.js'
import { compacted } from './compacted.js'
import { nextName } from './names.js'
import { describeWithKafka } from './setup/with-kafka.js'

describeWithKafka('on a real broker', (brokers) => {
  const open = (): KafkaLog => kafkaLog({ brokers }, { logger: silentLogger })
  const factory = async (): Promise<ContractLog> => {
    const log = open()
    return {
      log,
      open: async () => open(),
      name: nextName,
      compact: (topic) => compacted(log, topic),
      close: async () => await log[Symbol.asyncDispose](),
    }
  }
  logContract('Kafka', factory)
})
