import { Option } from 'commander'
import { does, type Define } from '../frame/does.js'
import { CliError } from '../frame/exits.js'
import { takes } from '../frame/options.js'
import type { Session } from '../frame/session.js'
import { table } from '../frame/table.js'
import type { AppOnCluster } from '../describe/on-cluster.js'

interface DescribeArguments {
  readonly format: 'text' | 'mermaid' | 'json'
}

export const define: Define = (command) => {
  takes(command, 'cluster', 'program')
    .addOption(
      new Option('--format <format>', 'of what a program is; json is the same as --json')
        .choices(['text', 'mermaid', 'json'])
        .default('text'),
    )
    .action(does(describe))
}

async function describe(session: Session, { format }: DescribeArguments): Promise<void> {
  const { out } = session
  const made = await session.program()
  if (made !== undefined) {
    if (out.json || format === 'json') out.document(made.graph)
    else if (format === 'text') out.raw(made.app.describe())
    else out.raw((await import('../../model/graph/mermaid.js')).mermaidOf(made.graph))
    return
  }
  if (format === 'mermaid') throw new CliError('usage', 'what is drawn is a program: --program ./app.js')
  const app = await session.app()
  const { appOnCluster } = await import('../describe/on-cluster.js')
  const found = await appOnCluster(app, (await session.log()).admin)
  if (found === undefined)
    throw new CliError(
      'notFound',
      `there is nothing of an app '${app}' on this cluster: no topic ${app}-…, no group ${app}`,
    )
  if (format === 'json') out.document(found)
  else out.result(found, () => textOf(found))
}

function textOf({ app, topics, kinds, reads, group, state, members }: AppOnCluster): string {
  const names = (all: readonly string[]): string => (all.length === 0 ? 'none' : all.join(', '))
  const parts = [
    [
      `app ${app}, as Kafka knows it`,
      `  state objects ${names(kinds)}`,
      `  reads ${names(reads)}`,
      `  group ${group} (${members === undefined || members.length === 0 ? state : `${state}, ${members.length} ${members.length === 1 ? 'member' : 'members'}`})`,
    ].join('\n'),
    table(
      ['topic', 'what', 'partitions'],
      topics.map(({ topic, role, partitions }) => [topic, role, partitions]),
    ),
  ]
  if (members !== undefined && members.length > 0) {
    const rows = members.map(({ instance, host, http, tasks, standbys }) => {
      return [instance, host, http ?? '-', tasks.join(','), standbys.join(',') || '-']
    })
    parts.push(table(['instance', 'host', 'http', 'tasks', 'standbys'], rows))
  }
  return parts.join('\n\n')
}
