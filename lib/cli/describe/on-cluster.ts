import type { LogAdmin } from '../../log/port.js'
import { membersOf, type AppMember } from '../../runtime/membership/members.js'
import { roleIn, type Role } from '../topics/roles.js'

/** What Kafka alone knows of an app. */
export interface AppOnCluster {
  readonly app: string
  readonly topics: readonly { readonly topic: string; readonly role: Role; readonly partitions: number }[]
  /** By the names of their changelogs. */
  readonly kinds: readonly string[]
  /** Topics that it has committed offsets of, inboxes left out. */
  readonly reads: readonly string[]
  readonly group: string
  /** `empty`: it has run, and does not run now. */
  readonly state: 'none' | 'empty' | 'stable' | 'rebalancing'
  /** Undefined while the group is in a round. */
  readonly members: readonly AppMember[] | undefined
}

/** Undefined where there is nothing of such an app. */
export async function appOnCluster(app: string, admin: LogAdmin): Promise<AppOnCluster | undefined> {
  const [names, info, offsets] = await Promise.all([
    admin.list(`${app}-`),
    admin.describeGroup(app),
    admin.groupOffsets(app, 'all', 'any'),
  ])
  const own = names.filter((name) => roleIn(app, name) !== undefined).sort()
  if (own.length === 0 && info.state === 'none' && offsets.length === 0) return undefined
  const infos = await admin.describe(own)
  const topics = own.map((topic) => ({
    topic,
    role: roleIn(app, topic) as Role,
    partitions: infos.get(topic)?.partitions ?? 0,
  }))
  const changelogs = topics.filter(({ role }) => role === 'changelog')
  return {
    app,
    topics,
    kinds: changelogs.map(({ topic }) => topic.slice(app.length + 1, -'-changelog'.length)),
    reads: [...new Set(offsets.map(({ topic }) => topic))].filter((topic) => roleIn(app, topic) === undefined).sort(),
    group: app,
    state: info.state,
    members: membersOf(info)?.map((member) => ({ ...member, host: member.host.replace(/^\//, '') })),
  }
}
