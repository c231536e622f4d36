import type { Command } from 'commander'
import { silentLogger } from '../../core/logger.js'
import type { Define } from '../frame/does.js'
import { does } from '../frame/does.js'
import { CliError } from '../frame/exits.js'
import { takes, wholeOf } from '../frame/options.js'
import type { Session } from '../frame/session.js'
import { table } from '../frame/table.js'
import { roleIn } from '../topics/roles.js'

export const define: Define = (command) => {
  const sub = (name: string, what: string, options = {}): Command =>
    takes(command.command(name, options).description(what), 'cluster', 'program')

  sub('list', 'those there are, and with a program those it needs', { isDefault: true }).action(does(list))
  sub('check', 'whether all that a program needs is there, and as it has to be').action(does(check))
  sub('create', 'make those that are missing; what exists is left as it is')
    .option('--own', 'only those that the app makes for itself: changelogs, inboxes, timers, dead letters')
    .option('--replication-factor <count>', 'of those that are made', wholeOf(1, 32_767))
    .option('--partitions <count>', 'where the program does not say how many', wholeOf(1, 100_000))
    .option('--dry-run', 'only say what would be made')
    .action(does(create))
  sub('acls', 'the permissions that the user of the app needs, as commands of kafka-acls')
    .option('--principal <name>', 'the user', 'User:millrace')
    .action(does(acls))
}

async function list(session: Session): Promise<void> {
  const made = await session.program()
  const app = await session.app()
  const { admin } = await session.log()
  const rows =
    made === undefined
      ? await byName(app, admin)
      : (await (await import('../topics/plan.js')).planOf(made, admin)).topics
  if (rows.length === 0) throw new CliError('notFound', `app '${app}' has no topic (${app}-…) on this cluster`)
  const topics = rows.map(({ topic, roles, found, partitions }) => ({
    topic,
    roles,
    exists: found !== undefined,
    partitions: found?.partitions ?? partitions ?? null,
  }))
  session.out.result({ app, topics }, () =>
    table(
      ['topic', 'what', 'partitions', 'there'],
      topics.map(({ topic, roles, partitions, exists }) => [
        topic,
        roles.join(', '),
        partitions ?? undefined,
        exists ? 'yes' : 'missing',
      ]),
    ),
  )
}

type Admin = Awaited<ReturnType<Session['log']>>['admin']

async function byName(app: string, admin: Admin) {
  const names = (await admin.list(`${app}-`)).flatMap((topic) => {
    const role = roleIn(app, topic)
    return role === undefined ? [] : [{ topic, roles: [role] }]
  })
  const infos = await admin.describe(names.map(({ topic }) => topic))
  return names
    .sort((a, b) => (a.topic < b.topic ? -1 : 1))
    .map((each) => ({ ...each, found: infos.get(each.topic), partitions: undefined }))
}

async function check(session: Session): Promise<'failed' | void> {
  const made = await session.demandProgram()
  const { admin } = await session.log()
  const { planOf } = await import('../topics/plan.js')
  const { findingsIn } = await import('../topics/check.js')
  const plan = await planOf(made, admin)
  const findings = findingsIn(plan)
  const good = `${plan.topics.length} topics are there, and as app '${plan.app}' needs them`
  session.out.result({ app: plan.app, topics: plan.topics.length, findings }, () =>
    findings.length === 0
      ? good
      : table(
          ['topic', 'severity', 'what'],
          findings.map(({ topic, severity, message }) => [topic, severity, message]),
        ),
  )
  return findings.some(({ severity }) => severity === 'error') ? 'failed' : undefined
}

interface CreateArguments {
  readonly own?: boolean
  readonly dryRun?: boolean
  readonly replicationFactor?: number
  readonly partitions?: number
}

async function create(session: Session, options: CreateArguments): Promise<void> {
  const made = await session.demandProgram()
  const log = await session.log()
  const { createMissing } = await import('../topics/create.js')
  const dryRun = options.dryRun === true
  const topics = await createMissing(made, log, {
    own: options.own === true,
    dryRun,
    replicationFactor: options.replicationFactor ?? made.options.replicationFactor ?? -1,
    partitions: options.partitions ?? -1,
    logger: { ...silentLogger, warn: (_, message) => session.out.note(message ?? '') },
  })
  session.out.result({ app: made.options.id, dryRun, created: topics }, () =>
    topics.length === 0
      ? 'nothing is missing'
      : table(
          ['topic', 'partitions', ...(dryRun ? ['would be made with'] : [])],
          topics.map(({ name, partitions, configs }) => [
            name,
            partitions === -1 ? undefined : partitions,
            ...(dryRun ? [settingsText(configs)] : []),
          ]),
        ),
  )
}

const settingsText = (configs: Readonly<Record<string, string>>): string =>
  Object.entries(configs)
    .map(([config, value]) => `${config}=${value}`)
    .join(' ')

async function acls(
  session: Session,
  { principal, brokers = '<broker>' }: { readonly principal: string; readonly brokers?: string },
): Promise<void> {
  const { aclsOf, kafkaAcls, needsOf } = await import('../topics/acls.js')
  const made = await session.program()
  const app = await session.app()
  const nothing = {
    reads: [],
    lookups: [],
    writes: [],
    sources: [],
    sinks: [],
    isExactlyOnce: true,
    makesTopics: false,
  }
  const needed = aclsOf(made === undefined ? { app, ...nothing } : needsOf(made))
  if (made === undefined) session.out.note('without --program: only what every app needs; not its sources and outputs')
  const entries = needed.map(({ on, ...entry }) => ({ principal, ...entry, for: on }))
  session.out.result({ app, acls: entries }, kafkaAcls(needed, principal, brokers).join('\n'))
}
