import { MillraceError } from '../../core/errors.js'
import type { NewTopic, TopicInfo } from '../../log/port.js'
import { TopicLimits } from '../../log/topic-limits.js'
import { deadLetterTopic, positionsTopic } from '../../model/names.js'
import { letterTopic } from '../letter-topic.js'
import type { Setting, SourceTopics } from './setting.js'

/** The broker's `num.partitions`. */
const brokersDefault = -1

/** How soon it is noticed that the topic which is written to has more partitions. */
const growthMs = 30_000

/** The topics of a source, looked up anew for whoever begins with a partition: they are given partitions, deleted, and made anew. */
export class TopicsOfSource {
  readonly #setting: Setting
  readonly #limits: TopicLimits
  readonly #into = { partitions: 0 }
  readonly #stop: () => void
  #looking: Promise<SourceTopics> | undefined

  constructor(setting: Setting) {
    const { rules, log, clock, logger } = setting
    this.#setting = setting
    this.#limits = new TopicLimits({ rules, admin: log.admin, clock, logger })
    this.#stop = clock.every(growthMs, () => {
      const failed = (error: unknown): void => logger.debug({ err: error }, `topics were not looked at`)
      if (this.#looking === undefined) void this.look().catch(failed)
    })
  }

  /** Looks them up, and makes those that may be made. Rejects with `TOPIC_MISSING` and `TOPIC_MISMATCH`. */
  look(): Promise<SourceTopics> {
    this.#looking ??= sourceTopics(this.#setting, this.#limits, this.#into).finally(() => (this.#looking = undefined))
    return this.#looking
  }

  close(): void {
    this.#stop()
    this.#limits.close()
  }
}

/** Of the topic in which a source keeps its positions. */
export const positionsConfigs = { 'cleanup.policy': 'compact', 'min.cleanable.dirty.ratio': '0.2' } as const

async function sourceTopics(setting: Setting, limits: TopicLimits, into: SourceTopics['into']): Promise<SourceTopics> {
  const { app, source, rules, compression, partitions, isEverywhere } = setting
  const { name, partitions: wanted = brokersDefault } = setting.into
  const target = await found(setting, name, setting.createTopics ? wanted : undefined)
  rules.note(name, target.configs)
  into.partitions = target.partitions
  const letters = deadLetterTopic(app)
  const lettersInfo = await letterTopic(setting.log.admin, letters, setting.replicationFactor)
  rules.note(letters, lettersInfo.configs)
  rules.pack(letters, compression, lettersInfo.configs)
  const positions = positionsTopic(app, source)
  let positionPartitions = 0
  if (!isEverywhere) {
    const info = await found(setting, positions, partitions.length, positionsConfigs)
    demandCompacted(positions, info)
    rules.note(positions, info.configs)
    positionPartitions = info.partitions
  }
  return {
    into,
    letters,
    letterPartitions: lettersInfo.partitions,
    positions,
    positionPartitions,
    limits,
  }
}

async function found(
  { log: { admin }, replicationFactor, source }: Setting,
  name: string,
  partitions: number | undefined,
  configs: NewTopic['configs'] = {},
): Promise<TopicInfo> {
  const known = (await admin.describe([name])).get(name)
  if (known !== undefined) return known
  if (partitions === undefined) {
    const what = `topic '${name}', which source '${source}' writes to, does not exist. Create it, or set createTopics: true (development).`
    throw new MillraceError('TOPIC_MISSING', what, { topic: name })
  }
  await admin.create([{ name, partitions, replicationFactor, configs }])
  const made = (await admin.describe([name])).get(name)
  if (made !== undefined) return made
  const what = `topic '${name}' was created and is still not there. Is something else deleting topics?`
  throw new MillraceError('TOPIC_MISSING', what, { topic: name })
}

function demandCompacted(topic: string, { configs }: TopicInfo): void {
  const policy = configs.get('cleanup.policy')
  if (policy === undefined || policy === 'compact') return
  throw new MillraceError(
    'TOPIC_MISMATCH',
    `${topic} has cleanup.policy=${policy} and needs cleanup.policy=compact, or positions would be lost and records come again. Correct it with kafka-configs.`,
    { topic },
  )
}
