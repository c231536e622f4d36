import { takes } from '../frame/options.js'
import type { CommonOptions } from '../frame/options.js'
import { does, type Define } from '../frame/does.js'
import { CliError } from '../frame/exits.js'
import { peerToken } from '../../http/peer-request.js'
import { instanceAt, type Instance } from '../frame/instance.js'
import type { Session } from '../frame/session.js'
import { plainText, table } from '../frame/table.js'
import { isoText } from '../frame/times.js'
import { membersOf } from '../../runtime/membership/members.js'
import { lettersOf } from '../../turn/kept/row.js'
import { cut } from '../stored/data.js'
import { rowsWith } from '../stored/rows.js'

export const define: Define = (command) => {
  takes(
    command.command('ls').summary('the objects whose records become dead letters'),
    'cluster',
    'program',
    'instance',
  ).action(does(ls))
  takes(
    command.command('release').summary('lift it: the next record of the object has its turn'),
    'cluster',
    'program',
    'instance',
  )
    .argument('<kind>')
    .argument('<key>')
    .action(does(release))
}

interface Quarantined {
  readonly kind: string
  readonly key: string
  readonly since: number
  readonly code: string
  readonly letters: number
  readonly until?: number | undefined
}

const keyWidth = 60

async function ls(session: Session): Promise<void> {
  const instance = session.instance()
  const objects = instance === undefined ? await inLog(session) : await told(session, instance)
  for (const { since, until, ...object } of session.out.json ? objects : [])
    session.out.item(
      { ...object, since: isoText(since), ...(until === undefined ? {} : { until: isoText(until) }) },
      '',
    )
  if (session.out.json) return
  if (objects.length === 0) return session.out.raw('no objects are in quarantine')
  const rows = objects.map(({ kind, key, since, code, letters, until }) => {
    return [kind, cut(plainText(key), keyWidth), isoText(since), code, letters, isoText(until)]
  })
  session.out.raw(table(['kind', 'key', 'since', 'code', 'letters', 'until'], rows))
}

async function inLog(session: Session): Promise<readonly Quarantined[]> {
  const app = await session.app()
  const log = await session.log()
  if ((await log.admin.describe([`${app}-dlq`])).get(`${app}-dlq`) === undefined)
    throw new CliError('notFound', `there is no app '${app}' on this cluster. See to --app and --brokers.`)
  const rows = await rowsWith(log, app, ['quarantine'], session.signal, (records) =>
    session.out.progress(`${records} rows of objects read`),
  )
  const objects = [...rows.values()].flatMap(({ kind, key, row }) => {
    const { quarantine } = row
    return quarantine === undefined ? [] : [{ kind, key, ...quarantine, letters: lettersOf(row) }]
  })
  return objects.sort((a, b) => b.since - a.since)
}

async function told(session: Session, instance: Instance): Promise<readonly Quarantined[]> {
  const answer = (await instance.ask('GET', '/api/quarantined?limit=500')) as {
    readonly objects?: readonly Quarantined[]
    readonly more?: boolean
    readonly missing?: readonly unknown[]
  }
  if (!Array.isArray(answer.objects))
    throw new CliError('failed', `${instance.url} is of a version that this one does not know`)
  if (answer.more === true) session.out.note('there are more: these are the latest 500. With --brokers all are listed.')
  if ((answer.missing?.length ?? 0) > 0)
    session.out.note(
      `${answer.missing?.length} instances did not answer: theirs are missing. With --brokers all are listed.`,
    )
  return answer.objects
}

async function release(session: Session, options: CommonOptions, kind: string, key: string): Promise<void> {
  const instance = session.instance() ?? (await anyInstance(session, options))
  const { released } = (await instance.ask('POST', '/api/release', { kind, key })) as { readonly released?: unknown }
  const name = `${kind} '${plainText(cut(key, 200))}'`
  if (released !== true) throw new CliError('notFound', `${name} is not in quarantine`)
  session.out.result(
    { kind, key, released: true },
    `${name} is out of quarantine. Its dead letters stay: see 'millrace dlq ls --kind ${plainText(kind)}'.`,
  )
}

/** Members tell the group where they can be asked. */
async function anyInstance(session: Session, { token, timeout }: CommonOptions): Promise<Instance> {
  const app = await session.app()
  const members = membersOf(await (await session.log()).admin.describeGroup(app))
  const url = members?.find(({ http }) => http !== undefined)?.http
  // Whoever is in the group may tell any.
  const given = token === undefined || url === undefined ? undefined : peerToken(token, url)
  if (url !== undefined) return instanceAt(url, given, timeout, session.signal)
  if (members === undefined) throw new CliError('unreachable', `app '${app}' is in a rebalance: try again in a moment`)
  const what =
    members.length === 0
      ? `app '${app}' is not running, and only a running app lifts a quarantine`
      : `no instance of app '${app}' can be asked over HTTP: give it http: { port } in createApp`
  throw new CliError('refused', `${what}. 'millrace dlq replay' works without.`)
}
