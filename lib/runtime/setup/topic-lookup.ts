import { MillraceError } from '../../core/errors.js'
import type { Logger } from '../../core/logger.js'
import type { BatchRules } from '../../log/batch-rules.js'
import type { Compression } from '../../log/compression/compression.js'
import type { LogPort, TopicInfo } from '../../log/port.js'
import type { Program } from '../../model/program.js'
import type { TopicNode } from '../../model/stream.js'

export interface TopologyOptions {
  readonly app: string
  readonly program: Program
  readonly log: LogPort
  readonly createTopics: boolean
  readonly replicationFactor: number
  readonly maxRecordBytes: number
  /** What the topics that the app writes to take is noted here. */
  readonly rules: BatchRules
  /** See `EngineOptions`. */
  readonly readsAgain?: boolean | undefined
  /** Of the batches of inboxes, timers and dead letters. */
  readonly compression: Compression
  readonly logger: Logger
}

/** Lets the broker decide, by its `num.partitions`. */
const brokersDefault = -1

/** Partitions of a topic that users own and that the app writes to; made when the app may. Notes what it takes. */
export async function targetPartitions(
  options: TopologyOptions,
  node: Pick<TopicNode, 'name' | 'partitions'>,
): Promise<number> {
  const { partitions, configs } = await topicInfo(options, node, {})
  options.rules.note(node.name, configs)
  return partitions
}

/** A topic that users own; made with these configs when the app may. */
export async function topicInfo(
  options: TopologyOptions,
  node: Pick<TopicNode, 'name' | 'partitions'>,
  configs: Readonly<Record<string, string>>,
): Promise<TopicInfo> {
  const { createTopics, replicationFactor } = options
  const { admin } = options.log
  const known = (await admin.describe([node.name])).get(node.name)
  if (known !== undefined) return known
  if (!createTopics) {
    throw new MillraceError(
      'TOPIC_MISSING',
      `topic '${node.name}' does not exist. Create it, or set createTopics: true (development).`,
      { topic: node.name },
    )
  }
  await admin.create([{ name: node.name, partitions: node.partitions ?? brokersDefault, replicationFactor, configs }])
  const made = (await admin.describe([node.name])).get(node.name)
  if (made !== undefined) return made
  throw vanished(node.name)
}

/** A topic is worked with as it is; who has given another number in its definition may count on it. */
export function warnOfOtherCount(
  logger: Logger,
  { name, partitions: wanted }: Pick<TopicNode, 'name' | 'partitions'>,
  partitions: number,
): void {
  if (wanted === undefined || wanted === partitions) return
  const what = `topic '${name}' has ${partitions} partitions, and its definition says partitions: ${wanted}, which counts only where the app makes the topic`
  const todo = `Correct the definition, or the topic: kafka-topics --alter adds partitions, and then keys go to others than before; they cannot be taken away`
  logger.warn({ topic: name, partitions, wanted }, `${what}: it is used as it is. ${todo}.`)
}

export function vanished(topic: string): MillraceError {
  const what = `topic '${topic}' was created and is still not there. Is something else deleting topics?`
  return new MillraceError('TOPIC_MISSING', what, { topic })
}
