import { silentLogger } from '../lib/core/logger.js'
import { type KafkaLog, kafkaLog } from '../lib/kafka/kafka-log.js'
import { type ContractLog, logContract } from '../lib/testing/log-contract.js'
import { compacted } from './compacted.js'
import { nextName } from './names.js'

/** The contract of a log, on a broker whose addresses are known once tests run. */
export function contractOnKafka(name: string, brokers: () => readonly string[]): void {
  logContract(name, async (): Promise<ContractLog> => {
    const open = (): KafkaLog => kafkaLog({ brokers: brokers() }, { logger: silentLogger })
    const log = open()
    return {
      log,
      open: async () => open(),
      name: nextName,
      compact: (topic) => compacted(log, topic),
      close: async () => await log[Symbol.asyncDispose](),
    }
  })
}
