import type { LogAdmin } from '../../log/port.js'
import { membersOf } from '../../runtime/membership/members.js'
import { CliError } from '../frame/exits.js'

const mostNamed = 10

/** Rejects with `refused`, naming them, while there are members in the group of an app. */
export async function demandNobody(admin: LogAdmin, app: string): Promise<void> {
  const info = await admin.describeGroup(app)
  if (info.members.length === 0) return
  const known = membersOf(info) ?? info.members.map(({ id, host }) => ({ instance: id, host, http: undefined }))
  const named = known.slice(0, mostNamed).map(({ instance, host, http }) => {
    const at = http === undefined ? '' : `, ${http}`
    return `${instance} (${host}${at})`
  })
  const more = known.length > mostNamed ? ` and ${known.length - mostNamed} more` : ''
  const what = `app '${app}' is running: ${named.join(', ')}${more}`
  const todo = `Stop all of them first. One that was killed counts until its session has expired (sessionTimeout, 15 s by default)`
  throw new CliError('refused', `${what}. ${todo}.`)
}
