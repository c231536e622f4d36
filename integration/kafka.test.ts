import { Kafka, logLevel } from 'kafkajs'
import { describeWithKafka } from './setup/with-kafka.js'

describeWithKafka('the broker of these tests', (brokers) => {
  it('answers, and does not make topics by itself', async () => {
    const admin = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING }).admin()
    await admin.connect()
    try {
      expect((await admin.describeCluster()).brokers.length).toBeGreaterThan(0)
      const never = admin.fetchTopicMetadata({ topics: [`never-made-${process.pid}`] })
      await expect(never).rejects.toMatchObject({ type: 'UNKNOWN_TOPIC_OR_PARTITION' })
    } finally {
      await admin.disconnect()
    }
  })
})
