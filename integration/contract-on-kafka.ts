import { silentLogger } from '../lib/core/logger.js'
import { type KafkaLog, kafkaLog } from '../lib/kafka/kafka-log.js'
import { type ContractLog, logContract } from '../lib/testing/log-contract.js'
import { deleteTopic } from './chaos/topic-admin.js'
import { until } from '../lib/testing/log-contract/rows.js'
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
      deleteTopic: async (topic) => {
        await deleteTopic(brokers(), topic)
        // Brokers hear of it a moment later, and would write to the old one until then.
        await until(async () => (await log.admin.describe([topic])).get(topic) === undefined)
      },
      compact: (topic) => compacted(log, topic),
      close: async () => await log[Symbol.asyncDispose](),
    }
  })
}
