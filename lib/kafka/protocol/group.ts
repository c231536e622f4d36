import { type Api, neverFlexible } from './api.js'

/** Fields every request of a member carries. */
export interface InGroup {
  readonly group: string
  readonly generationId: number
  readonly memberId: string
  readonly instanceId: string | null
}

export interface JoinGroupRequest {
  readonly group: string
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
  /** Empty at first; MEMBER_ID_REQUIRED brings one. */
  readonly memberId: string
  readonly instanceId: string | null
  readonly protocol: string
  readonly metadata: Uint8Array
}

export interface JoinGroupResponse {
  readonly errorCode: number
  readonly generationId: number
  readonly leader: string
  readonly memberId: string
  /** Filled for the leader only. */
  readonly members: readonly { readonly memberId: string; readonly metadata: Buffer }[]
}

/** Blocks its connection until all members have joined. Source: https://kafka.apache.org/protocol.html#The_Messages_JoinGroup */
export const joinGroup: Api<JoinGroupRequest, JoinGroupResponse> = {
  key: 11,
  name: 'JoinGroup',
  lowest: 5,
  highest: 5,
  flexibleFrom: neverFlexible,
  encode(writer, request) {
    writer.string(request.group).int32(request.sessionTimeoutMs).int32(request.rebalanceTimeoutMs)
    writer.string(request.memberId).string(request.instanceId).string('consumer')
    writer.array([request], ({ protocol, metadata }) => writer.string(protocol).bytes(metadata))
  },
  decode(reader) {
    reader.throttle()
    const errorCode = reader.int16()
    const generationId = reader.int32()
    reader.nullableString() // protocol_name
    const leader = reader.string()
    const memberId = reader.string()
    const members = reader.array(() => {
      const id = reader.string()
      reader.nullableString() // group_instance_id
      return { memberId: id, metadata: reader.bytes() }
    })
    return { errorCode, generationId, leader, memberId, members }
  },
}

/** Source: https://kafka.apache.org/protocol.html#The_Messages_SyncGroup */
export const syncGroup: Api<
  InGroup & { readonly assignments: readonly { readonly memberId: string; readonly assignment: Uint8Array }[] },
  { readonly errorCode: number; readonly assignment: Buffer }
> = {
  key: 14,
  name: 'SyncGroup',
  lowest: 3,
  highest: 3,
  flexibleFrom: neverFlexible,
  encode(writer, request) {
    writer.string(request.group).int32(request.generationId).string(request.memberId).string(request.instanceId)
    writer.array(request.assignments, ({ memberId, assignment }) => writer.string(memberId).bytes(assignment))
  },
  decode(reader) {
    reader.throttle()
    return { errorCode: reader.int16(), assignment: reader.bytes() }
  },
}

/** Source: https://kafka.apache.org/protocol.html#The_Messages_Heartbeat */
export const heartbeat: Api<InGroup, { readonly errorCode: number }> = {
  key: 12,
  name: 'Heartbeat',
  lowest: 3,
  highest: 3,
  flexibleFrom: neverFlexible,
  encode(writer, request) {
    writer.string(request.group).int32(request.generationId).string(request.memberId).string(request.instanceId)
  },
  decode(reader) {
    reader.throttle()
    return { errorCode: reader.int16() }
  },
}

/** Source: https://kafka.apache.org/protocol.html#The_Messages_LeaveGroup */
export const leaveGroup: Api<
  Omit<InGroup, 'generationId'>,
  { readonly errorCode: number; readonly memberCode: number }
> = {
  key: 13,
  name: 'LeaveGroup',
  lowest: 3,
  highest: 3,
  flexibleFrom: neverFlexible,
  encode(writer, request) {
    writer.string(request.group)
    writer.array([request], ({ memberId, instanceId }) => writer.string(memberId).string(instanceId))
  },
  decode(reader) {
    reader.throttle()
    const errorCode = reader.int16()
    const [memberCode = 0] = reader.array(() => {
      reader.string() // member_id
      reader.nullableString() // group_instance_id
      return reader.int16()
    })
    return { errorCode, memberCode }
  },
}
