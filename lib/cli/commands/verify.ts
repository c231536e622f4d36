import { changelogTopic, timerTopic } from '../../model/names.js'
import { rowKind } from '../../turn/kept/row.js'
import type { LogPort } from '../../log/port.js'
import type { MadeApp } from '../../app/inspector.js'
import { does, type Define } from '../frame/does.js'
import { CliError, type Exit } from '../frame/exits.js'
import type { Instance } from '../frame/instance.js'
import { takes, wholeOf } from '../frame/options.js'
import type { Session } from '../frame/session.js'
import { counted, plainText } from '../frame/table.js'
import { changelogOf, kindsOf, type Scan } from '../stored/changelogs.js'
import { topicExtents } from '../../log/client/extents.js'
import { codecOf } from '../stored/values.js'
import { Findings, type Compared } from '../verifying/findings.js'
import { differencesText } from '../verifying/told.js'
import { verifyLive } from '../verifying/live.js'
import { verifyPublished } from '../verifying/published.js'
import { verifyStores, type VerifiedKind } from '../verifying/stores.js'

interface Options {
  readonly dataDir?: string
  readonly limit: number
}

export const define: Define = (command) => {
  takes(command, 'cluster', 'program', 'instance')
    .option('--data-dir <path>', 'the dataDir of a stopped app: its local stores are compared')
    .option('-n, --limit <count>', 'so many differences are listed; all are counted', wholeOf(0, 1_000_000), 100)
    .action(does(verify))
}

async function verify(session: Session, options: Options): Promise<Exit> {
  const app = await session.app()
  const made = await session.program()
  const log = await session.log()
  const instance = session.instance()
  const { dataDir } = options
  if (made === undefined && instance === undefined && dataDir === undefined)
    throw new CliError(
      'usage',
      'compare the changelog with what? Give --data-dir for the stores of a stopped app, --url for a running one, --program for published topics',
    )
  const kinds = await kindsOf(log, app)
  if (kinds.length === 0)
    throw new CliError('notFound', `app '${app}' keeps no state on this cluster, or never ran here`)
  const findings = new Findings(options.limit)
  const scan: Scan = { signal: session.signal, onRead: (what) => session.out.progress(what) }
  if (dataDir !== undefined) await stores(log, app, dataDir, kinds, findings, scan)
  if (instance !== undefined) await live(log, app, made, instance, kinds, findings, scan)
  if (made !== undefined) await published(log, app, made, findings, scan)
  return told(session, app, findings)
}

async function stores(
  log: LogPort,
  app: string,
  dataDir: string,
  kinds: readonly string[],
  findings: Findings,
  scan: Scan,
): Promise<void> {
  const { holdStores } = await import('../../store/level/held-stores.js')
  await using held = await holdStores(dataDir, app).catch((error: unknown) => {
    throw new CliError('refused', error instanceof Error ? error.message : String(error), error)
  })
  if (held.stores.length === 0) throw new CliError('notFound', `there are no stores under ${held.location}`)
  const changelogs = [
    ...kinds.map((name) => [name, changelogTopic(app, name)] as const),
    [rowKind, timerTopic(app)] as const,
  ]
  const infos = await log.admin.describe(changelogs.map(([, topic]) => topic))
  const verified: VerifiedKind[] = []
  for (const [name, topic] of changelogs) {
    const stretches = await topicExtents(log, topic)
    const topicId = infos.get(topic)?.id
    if (stretches !== undefined && topicId !== undefined) verified.push({ name, stretches, topicId })
  }
  await verifyStores(log, held, verified, findings, scan)
}

async function live(
  log: LogPort,
  app: string,
  made: MadeApp | undefined,
  instance: Instance,
  kinds: readonly string[],
  findings: Findings,
  scan: Scan,
): Promise<void> {
  const ofProgram = made?.program.kinds.map(({ name }) => name)
  for (const name of kinds.filter((each) => ofProgram?.includes(each) ?? true)) {
    const codec = made === undefined ? undefined : codecOf(app, made.program.kinds, name)
    await verifyLive(log, { app, kind: name, codec, instance }, findings, scan)
  }
}

async function published(log: LogPort, app: string, made: MadeApp, findings: Findings, scan: Scan): Promise<void> {
  const publishing = made.program.kinds.map((definition) => ({
    definition,
    codec: codecOf(app, made.program.kinds, definition.name),
    stretches: () => changelogOf(log, app, definition.name),
  }))
  await verifyPublished(log, publishing, findings, scan)
}

const things: Readonly<Record<Compared, string>> = {
  store: 'object of local stores',
  live: 'object of the running app',
  row: 'published row',
}
const thingsOf = (what: Compared, count: number): string => {
  const [thing = '', ...more] = things[what].split(' of ')
  return [counted(count, thing), ...more].join(' of ')
}

function told(session: Session, app: string, findings: Findings): Exit {
  const { differences, inAll, notes, compared, behind } = findings
  session.out.result({ app, compared, behind, differences, differencesInAll: inAll, notes }, () => {
    const lines = Object.entries(compared).flatMap(([what, count]) =>
      count === 0 ? [] : [`${thingsOf(what as Compared, count)} compared with the changelog`],
    )
    if (behind > 0)
      lines.push(`${behind} have changed since a store was written: the app brings them to it when it starts`)
    lines.push(...notes.map((note) => plainText(note)))
    if (inAll === 0) return [...lines, findings.isNothing ? 'nothing was compared' : 'no differences'].join('\n')
    return [...lines, '', differencesText(differences, inAll)].join('\n')
  })
  return inAll > 0 || findings.isNothing ? 'failed' : 'ok'
}
