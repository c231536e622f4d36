import { ConfigResourceTypes, Kafka, logLevel } from 'kafkajs'
import { silentLogger } from '../lib/core/logger.js'
import { kafkaLog } from '../lib/kafka/kafka-log.js'
import { cases, expectedOf, outcomeOf } from '../test/inputs/refusing-brokers.js'
import { nextName } from './names.js'
import { describeWithKafka } from './setup/with-kafka.js'

describeWithKafka('Kafka refuses', (brokers) => {
  const admin = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING }).admin()
  const log = kafkaLog({ brokers }, { logger: silentLogger })
  beforeAll(() => admin.connect())
  afterAll(async () => {
    await admin.disconnect()
    await log[Symbol.asyncDispose]()
  })

  const configure = async (name: string, configs: Readonly<Record<string, string>>): Promise<void> => {
    const configEntries = Object.entries(configs).map(([key, value]) => ({ name: key, value }))
    await admin.alterConfigs({
      validateOnly: false,
      resources: [{ type: ConfigResourceTypes.TOPIC, name, configEntries }],
    })
  }

  it.each(cases)(
    '%s: the app goes on, and the record is a dead letter',
    async (_what, each) => {
      expect(await outcomeOf({ log, name: nextName, configure }, each)).toEqual(expectedOf(each))
    },
    60_000,
  )
})
