import { topicInfo, type TopologyOptions, warnOfOtherCount } from '../setup/topic-lookup.js'

const compacted = { 'cleanup.policy': 'compact' }

/**
 * Looks up the topics of lookup tables; those that are missing are made when the app may. Throws `TOPIC_MISSING`. Warns of
 * one that is not compacted: it works, and forgets.
 */
export async function demandLookupTopics(options: TopologyOptions): Promise<void> {
  for (const node of options.program.lookups) {
    const { partitions, configs } = await topicInfo(options, node, compacted)
    warnOfOtherCount(options.logger, node, partitions)
    const policy = configs.get('cleanup.policy')
    if (policy === undefined || policy.split(',').some((each) => each.trim() === 'compact')) continue
    const topic = node.name
    options.logger.warn(
      { topic },
      `${topic} is a lookup table and is not compacted (cleanup.policy=${policy}): rows that retention removes are missing after the next start, and each start reads every update. Set cleanup.policy=compact with kafka-configs.`,
    )
  }
}
