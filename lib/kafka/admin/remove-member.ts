import type { GroupMember } from '../../log/port.js'
import type { Channel } from '../connection/channel.js'
import { Code } from '../connection/error-codes.js'
import { refused } from '../connection/refusal.js'
import { leaveGroup } from '../protocol/group.js'

/** See `LogAdmin`. */
export async function removeMember(
  channel: Channel,
  group: string,
  { id, instanceId = null }: { readonly id: string; readonly instanceId?: GroupMember['instanceId'] | null },
): Promise<boolean> {
  const body = { group, memberId: id, instanceId }
  const { errorCode, memberCode } = await channel.toCoordinator(
    ['group', group],
    leaveGroup,
    body,
    (answer) => answer.errorCode,
  )
  const code = errorCode === Code.none ? memberCode : errorCode
  if (code === Code.none) return true
  // Another process has its instance id by now.
  if (code === Code.unknownMember || code === Code.fencedInstance || code === Code.groupIdNotFound) return false
  const todo = 'Look at the broker that coordinates the group'
  throw refused(`LeaveGroup of group ${group} for ${id}`, code, { group: [group, 'Read'] }, { todo })
}
