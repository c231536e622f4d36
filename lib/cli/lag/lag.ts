import { allPartitions, offsetOf, type TopicPartition } from '../../core/record.js'
import type { GroupInfo, LogAdmin } from '../../log/port.js'
import { membersOf } from '../../runtime/membership/members.js'

/** How far a group is in one partition. */
export interface PartitionLag extends TopicPartition {
  readonly group: string
  /** Undefined: nothing is committed; the group begins at the start. */
  readonly committed: number | undefined
  readonly end: number
  /** Offsets between them; a few of them are marks of transactions, and no records. */
  readonly lag: number
  /** Who has it; undefined when nobody has, or the group is in a round. */
  readonly instance: string | undefined
  readonly host: string | undefined
}

export interface GroupLag {
  readonly group: string
  /** Undefined of a group that has no members by its nature. */
  readonly state: GroupInfo['state']
  readonly partitions: readonly PartitionLag[]
  /** Of all of them; null when it is not known what the group reads. */
  readonly lag: number | null
  /** Why it is not known. */
  readonly reason: string | undefined
}

/** What a group reads, as far as the group itself does not say it. */
export interface ReadByGroup {
  readonly topics: readonly string[]
  /** Others that it reads can only be known from its offsets. */
  readonly areAll: boolean
}

/** Of these topics, and of all others that the group has offsets of. */
export async function lagOf(admin: LogAdmin, group: string, { topics, areAll }: ReadByGroup): Promise<GroupLag> {
  const [offsets, info] = await Promise.all([admin.groupOffsets(group, 'all', 'any'), admin.describeGroup(group)])
  const names = [...new Set([...topics, ...offsets.map(({ topic }) => topic)])].sort()
  const known = await admin.describe(names)
  const partitions = names.flatMap((name) => allPartitions(name, known.get(name)?.partitions ?? 0))
  const [starts, ends] = await Promise.all([admin.startOffsets(partitions), admin.endOffsets(partitions, 'all')])
  const committed = new Map(offsets.map(({ topic, partition, offset }) => [`${topic}/${partition}`, offset]))
  const ownerOf = owners(info)
  const isKnown = areAll || offsets.some(({ topic }) => !topics.includes(topic))
  const found = partitions.map(({ topic, partition }): PartitionLag => {
    const start = offsetOf(starts, topic, partition) ?? 0
    const end = offsetOf(ends, topic, partition) ?? 0
    const at = committed.get(`${topic}/${partition}`)
    const owner = ownerOf({ topic, partition })
    return {
      group,
      topic,
      partition,
      committed: at,
      end,
      // What retention has removed is not read any more.
      lag: Math.max(0, end - Math.max(at ?? start, start)),
      instance: owner?.instance,
      host: owner === undefined ? undefined : hostText(owner.host),
    }
  })
  return {
    group,
    state: info.state,
    partitions: found,
    lag: isKnown ? found.reduce((sum, { lag }) => sum + lag, 0) : null,
    reason: isKnown ? undefined : unknown,
  }
}

const unknown =
  'nothing is committed of the topics that it reads, so it is not known which they are: give the --program that reads them'

/** Brokers put a slash before an address. */
const hostText = (host: string): string => host.replace(/^\//, '')

type Owner = { readonly instance: string; readonly host: string }

/** Members of an app have tasks, which are partition numbers of whatever it reads; those of sinks are given partitions. */
function owners(info: GroupInfo): (at: TopicPartition) => Owner | undefined {
  const ofTasks = new Map((membersOf(info) ?? []).flatMap((member) => member.tasks.map((task) => [task, member])))
  const given = info.members.flatMap(({ id, instanceId, host, assignment }) =>
    (assignment?.partitions ?? []).map((at) => ({ at, owner: { instance: instanceId ?? id, host } })),
  )
  return ({ topic, partition }) =>
    ofTasks.get(partition) ?? given.find(({ at }) => at.topic === topic && at.partition === partition)?.owner
}
