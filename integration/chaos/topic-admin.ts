// Node finds no names in this CommonJS module.
import kafkajs, { type Admin } from 'kafkajs'

/** Compacted within seconds, so that what is restored has been compacted; segments stay few. */
const eager = {
  'cleanup.policy': 'compact',
  'segment.ms': '3000',
  'min.cleanable.dirty.ratio': '0.05',
  'max.compaction.lag.ms': '2000',
}

/** `truncatable`: also `delete`, without which brokers refuse DeleteRecords on a changelog. */
export async function setChangelog(
  brokers: readonly string[],
  topic: string,
  policy: 'as it should be' | 'truncatable',
): Promise<void> {
  // This request replaces all configs of the topic.
  const configs = policy === 'truncatable' ? { ...eager, 'cleanup.policy': 'compact,delete' } : eager
  const configEntries = Object.entries(configs).map(([name, value]) => ({ name, value }))
  const resources = [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: topic, configEntries }]
  await withAdmin(brokers, (admin) => admin.alterConfigs({ validateOnly: false, resources }))
}

export async function setPartitions(brokers: readonly string[], topic: string, count: number): Promise<void> {
  await withAdmin(brokers, (admin) => admin.createPartitions({ topicPartitions: [{ topic, count }] }))
}

export async function deleteTopic(brokers: readonly string[], topic: string): Promise<void> {
  await withAdmin(brokers, (admin) => admin.deleteTopics({ topics: [topic] }))
}

async function withAdmin(brokers: readonly string[], use: (admin: Admin) => Promise<unknown>): Promise<void> {
  const admin = new kafkajs.Kafka({ brokers: [...brokers], logLevel: kafkajs.logLevel.NOTHING }).admin()
  await admin.connect()
  try {
    await use(admin)
  } finally {
    await admin.disconnect()
  }
}
