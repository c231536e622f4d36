import { text, topic } from 'millrace'
import { silentLogger } from '../lib/core/logger.js'
import * as kafka from '../lib/kafka/kafka-log.js'
import { nextName } from './names.js'
import { OwnBroker } from './setup/own-broker.js'
import { describeWithKafka } from './setup/with-kafka.js'

describeWithKafka('a log that a disk has damaged', () => {
  jest.setTimeout(90_000)
  let broker: OwnBroker
  beforeAll(async () => (broker = await OwnBroker.start()))
  afterAll(() => broker.remove())

  it('is refused by its checksum, and read as it is only when told so', async () => {
    const name = nextName('amounts')
    const amounts = topic(name, text())
    const log = kafka.kafkaLog({ brokers: [broker.address] }, { logger: silentLogger })
    const unchecked = kafka.kafkaLog({ brokers: [broker.address], checkCrcs: false }, { logger: silentLogger })
    try {
      await log.admin.create([{ name, partitions: 1, replicationFactor: 1, configs: {} }])
      await log.send(amounts, ['fine'])
      await log.send(amounts, ['amount 100'])
      broker.damage({ topic: name, partition: 0 }, 'amount 100', 'amount 900')

      const found: (string | null)[] = []
      const reading = (async () => {
        for await (const { value } of log.read(amounts)) found.push(value)
      })()
      await expect(reading).rejects.toMatchObject({ code: 'BATCH_CORRUPT', topic: name, partition: 0 })
      await expect(reading).rejects.toThrow(/CRC is .*checkCrcs: false/)
      expect(found).not.toContain('amount 900')

      const asItIs: (string | null)[] = []
      for await (const { value } of unchecked.read(amounts)) asItIs.push(value)
      expect(asItIs).toEqual(['fine', 'amount 900'])
    } finally {
      await log[Symbol.asyncDispose]()
      await unchecked[Symbol.asyncDispose]()
    }
  })
})
