import { MillraceError } from '../../core/errors.js'
import type { TopicPartition } from '../../core/record.js'
import type { NewTopic, TopicInfo } from '../../log/port.js'
import { usualBatchBytes } from '../../log/batch-rules.js'
import type { AppendRules } from './appending.js'
import { PartitionLog } from './partition-log.js'

const unlimited = '9223372036854775807'

/** What a broker says of a topic made without configs (Apache Kafka, "Topic Configs"); those the log itself obeys or readers ask for. */
const defaultConfigs = {
  'cleanup.policy': 'delete',
  'delete.retention.ms': '86400000',
  'max.message.bytes': String(usualBatchBytes),
  // As brokers from 4.0 on have it; in older ones there is no limit.
  'message.timestamp.after.max.ms': String(3_600_000),
  'message.timestamp.before.max.ms': unlimited,
  'message.timestamp.type': 'CreateTime',
  'min.cleanable.dirty.ratio': '0.5',
  // The embedded log deletes nothing by age or size.
  'retention.bytes': '-1',
  'retention.ms': '-1',
  'segment.bytes': String(1 << 30),
}

export interface Topic {
  readonly name: string
  readonly info: TopicInfo
  readonly logs: readonly PartitionLog[]
  /** What its settings say of appends. */
  readonly rules: AppendRules
}

function rulesOf(configs: ReadonlyMap<string, string>): AppendRules {
  const setting = (name: keyof typeof defaultConfigs): string => configs.get(name) ?? defaultConfigs[name]
  const ms = (name: keyof typeof defaultConfigs): number =>
    setting(name) === unlimited ? Infinity : Number(setting(name))
  return {
    maxBytes: Number(setting('max.message.bytes')),
    segmentBytes: Number(setting('segment.bytes')),
    compacted: setting('cleanup.policy').includes('compact'),
    appendTime: setting('message.timestamp.type') === 'LogAppendTime',
    beforeMs: ms('message.timestamp.before.max.ms'),
    afterMs: ms('message.timestamp.after.max.ms'),
  }
}

export class Topics {
  /** Partitions of a topic made without a number. */
  readonly defaultPartitions: number
  readonly #topics = new Map<string, Topic>()
  #made = 0

  constructor(defaultPartitions: number) {
    this.defaultPartitions = defaultPartitions
  }

  /** Leaves a topic that exists as it is. */
  create({ name, partitions, configs }: NewTopic): void {
    if (this.#topics.has(name)) return
    const count = partitions === -1 ? this.defaultPartitions : partitions
    if (!Number.isInteger(count) || count < 1) {
      throw new MillraceError(
        'BROKER_REFUSED',
        `${name}: a topic cannot have ${count} partitions. Ask for 1 or more.`,
        {
          topic: name,
        },
      )
    }
    const all = new Map(Object.entries({ ...defaultConfigs, ...configs }))
    this.#topics.set(name, {
      name,
      info: { id: `memory-${++this.#made}`, partitions: count, configs: all },
      rules: rulesOf(all),
      logs: Array.from({ length: count }, (_, partition) => new PartitionLog(name, partition)),
    })
  }

  /** Adds empty partitions until there are so many; never takes one away. Throws `TOPIC_MISSING`. */
  grow(name: string, partitions: number): void {
    const { info, logs, rules } = this.#existing(name)
    const more = Array.from({ length: Math.max(0, partitions - logs.length) }, (_, i) => logs.length + i)
    this.#topics.set(name, {
      name,
      info: { ...info, partitions: logs.length + more.length },
      rules,
      logs: [...logs, ...more.map((partition) => new PartitionLog(name, partition))],
    })
  }

  /** Changes settings. Throws `TOPIC_MISSING`. */
  configure(name: string, configs: Readonly<Record<string, string>>): void {
    const topic = this.#existing(name)
    const changed = new Map([...topic.info.configs, ...Object.entries(configs)])
    this.#topics.set(name, { ...topic, info: { ...topic.info, configs: changed }, rules: rulesOf(changed) })
  }

  /** Throws `TOPIC_MISSING`. */
  delete(name: string): void {
    const { logs } = this.#existing(name)
    this.#topics.delete(name)
    // Readers find out that it is gone.
    for (const { watchers } of logs) for (const wake of watchers) wake()
  }

  get(name: string): Topic | undefined {
    return this.#topics.get(name)
  }

  names(): string[] {
    return [...this.#topics.keys()]
  }

  /** Throws `TOPIC_MISSING`, also for a partition the topic does not have. */
  partition({ topic, partition }: TopicPartition): PartitionLog {
    const log = this.#topics.get(topic)?.logs[partition]
    if (log === undefined) {
      throw new MillraceError(
        'TOPIC_MISSING',
        `${topic}[${partition}]: there is no such partition on this log. Create the topic first, or correct its name.`,
        { topic, partition },
      )
    }
    return log
  }

  #existing(name: string): Topic {
    const topic = this.#topics.get(name)
    if (topic !== undefined) return topic
    throw new MillraceError('TOPIC_MISSING', `Topic '${name}' does not exist. Create it, or correct the name.`, {
      topic: name,
    })
  }

  /** Of a topic that exists. */
  rules(topic: string): AppendRules {
    return this.#existing(topic).rules
  }

  /** A config of a topic that exists. */
  config(topic: string, name: keyof typeof defaultConfigs): string {
    return this.#topics.get(topic)?.info.configs.get(name) ?? defaultConfigs[name]
  }
}
