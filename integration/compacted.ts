import type { TopicPartition } from '../lib/core/record.js'
import type { LogPort } from '../lib/log/port.js'
import { known, allPartitions, readAll, until } from '../lib/testing/log-contract/rows.js'

/**
 * Waits until the broker's cleaner has been over a topic: in front of the last stable offset no key is there twice. Nothing
 * else tells: cleaning is not in the protocol. The topic's configs must allow it, and its active segment is never cleaned.
 */
export async function compacted(log: LogPort, topic: string): Promise<void> {
  const { partitions } = known((await log.admin.describe([topic])).get(topic))
  for (const at of allPartitions(topic, partitions)) await until(async () => await isCompacted(log, at))
}

async function isCompacted(log: LogPort, partition: TopicPartition): Promise<boolean> {
  const keys = (await readAll(log, partition)).map((row) => row.key)
  return new Set(keys).size === keys.length
}
