import { ConfigResourceTypes, Kafka, logLevel } from 'kafkajs'
import { rawRecords } from './raw-batches.js'
import type { World } from './world.js'

/** Has the broker compact a changelog as soon as it can: each segment is closed at the first append after 100 ms. */
export async function compactEagerly(brokers: readonly string[], topic: string): Promise<void> {
  const admin = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  try {
    // This request replaces all configs of the topic.
    const configs = {
      'cleanup.policy': 'compact',
      'segment.ms': '100',
      'min.cleanable.dirty.ratio': '0.01',
      'max.compaction.lag.ms': '100',
    }
    const configEntries = Object.entries(configs).map(([name, value]) => ({ name, value }))
    await admin.alterConfigs({
      validateOnly: false,
      resources: [{ type: ConfigResourceTypes.TOPIC, name: topic, configEntries }],
    })
  } finally {
    await admin.disconnect()
  }
}

/** Data records in the changelog now. */
export async function changelogRecords(world: World): Promise<number> {
  return (await rawRecords(world.log, world.partitionsOf(world.topics.changelog.name))).records
}
