import { MillraceError } from '../core/errors.js'
import type { LogAdmin, TopicInfo } from '../log/port.js'

/** What hosted brokers allow at most. */
const roomBytes = 8 << 20

/** Looks up a dead-letter topic, and makes it when it is missing. Rejects with `TOPIC_MISSING` and with what brokers refuse. */
export async function letterTopic(admin: LogAdmin, name: string, replicationFactor: number): Promise<TopicInfo> {
  const known = (await admin.describe([name])).get(name)
  if (known !== undefined) return known
  // Kept until somebody has seen to them.
  const configs = { 'cleanup.policy': 'delete', 'retention.ms': '-1' }
  const topic = { name, partitions: 1, replicationFactor }
  try {
    await admin.create([{ ...topic, configs: { ...configs, 'max.message.bytes': String(roomBytes) } }])
  } catch (error) {
    if (!MillraceError.is(error, 'BROKER_REFUSED')) throw error
    await admin.create([{ ...topic, configs }])
  }
  const made = (await admin.describe([name])).get(name)
  if (made !== undefined) return made
  const what = `topic '${name}' was created and is still not there. Is something else deleting topics?`
  throw new MillraceError('TOPIC_MISSING', what, { topic: name })
}
