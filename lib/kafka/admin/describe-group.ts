import type { GroupInfo, GroupMember } from '../../log/port.js'
import type { Channel } from '../connection/channel.js'
import { Code } from '../connection/error-codes.js'
import { refused } from '../connection/refusal.js'
import { decodeAssignment, decodeTold } from '../group/subscription.js'
import { describeGroups, type DescribedMember } from '../protocol/describe-groups.js'

const states: Readonly<Record<string, GroupInfo['state']>> = {
  Stable: 'stable',
  Empty: 'empty',
  Dead: 'none',
  PreparingRebalance: 'rebalancing',
  CompletingRebalance: 'rebalancing',
}

/** See `LogAdmin`. */
export async function describeGroup(channel: Channel, group: string): Promise<GroupInfo> {
  const codeOf = (answer: { readonly errorCode: number } | undefined): number => answer?.errorCode ?? Code.none
  const answer = await channel.toCoordinator(['group', group], describeGroups, { group }, codeOf)
  const code = codeOf(answer)
  if (code === Code.groupIdNotFound || answer === undefined) return { state: 'none', members: [] }
  if (code !== Code.none) {
    const todo = 'Look at the broker that coordinates the group'
    throw refused(`DescribeGroups of group ${group}`, code, { group: [group, 'Describe'] }, { todo })
  }
  const { state, protocolType, members } = answer
  return { state: states[state] ?? 'rebalancing', members: members.map((one) => memberOf(one, protocolType)) }
}

/** What another program has put there in another form counts as nothing. */
function memberOf(described: DescribedMember, protocolType: string): GroupMember {
  const { memberId, instanceId, clientId, host, metadata, assignment } = described
  const isConsumer = protocolType === 'consumer'
  const read = <T>(bytes: Buffer, decode: () => T): T | undefined => {
    if (!isConsumer || bytes.length === 0) return undefined
    try {
      return decode()
    } catch {
      return undefined
    }
  }
  return {
    id: memberId,
    instanceId,
    clientId,
    host: host.replace(/^\//, ''),
    told: read(metadata, () => decodeTold(memberId, metadata).told),
    assignment: read(assignment, () => decodeAssignment(assignment)),
  }
}
