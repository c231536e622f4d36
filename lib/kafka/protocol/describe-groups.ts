import { type Api } from './api.js'

/** A member as its coordinator knows it. */
export interface DescribedMember {
  readonly memberId: string
  readonly instanceId: string | undefined
  readonly clientId: string
  readonly host: string
  /** Empty while the group is in a round. */
  readonly metadata: Buffer
  readonly assignment: Buffer
}

export interface DescribedGroup {
  readonly errorCode: number
  /** `Stable`, `PreparingRebalance`, `CompletingRebalance`, `Empty`, or `Dead` for one that does not exist. */
  readonly state: string
  readonly protocolType: string
  readonly members: readonly DescribedMember[]
}

/** Asked of the coordinator of the group; needs DESCRIBE on it. Source: https://kafka.apache.org/protocol.html#The_Messages_DescribeGroups */
export const describeGroups: Api<{ readonly group: string }, DescribedGroup | undefined> = {
  key: 15,
  name: 'DescribeGroups',
  lowest: 4,
  highest: 5,
  flexibleFrom: 5,
  encode(writer, { group }) {
    writer.array([group], (id) => writer.string(id))
    writer.boolean(false) // include_authorized_operations
    writer.end()
  },
  decode(reader) {
    reader.throttle()
    const [group] = reader.array(() => {
      const errorCode = reader.int16()
      reader.string() // group_id
      const state = reader.string()
      const protocolType = reader.string()
      reader.string() // protocol_data
      const members = reader.array(() => {
        const memberId = reader.string()
        const instanceId = reader.nullableString() ?? undefined
        const clientId = reader.string()
        const host = reader.string()
        const metadata = reader.bytes()
        const assignment = reader.bytes()
        reader.end()
        return { memberId, instanceId, clientId, host, metadata, assignment }
      })
      reader.int32() // authorized_operations
      reader.end()
      return { errorCode, state, protocolType, members }
    })
    return group
  },
}
