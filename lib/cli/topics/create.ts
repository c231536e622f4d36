import type { MadeApp } from '../../app/inspector.js'
import { MillraceError } from '../../core/errors.js'
import type { Logger } from '../../core/logger.js'
import type { LogPort, NewTopic } from '../../log/port.js'
import { makeTopics } from '../../runtime/setup/internal-topics.js'
import { demandNoneLost } from '../../runtime/setup/lost-state.js'
import { CliError } from '../frame/exits.js'
import { planOf, type PlannedTopic } from './plan.js'

export interface CreateOptions {
  /** Only those that the app makes for itself. */
  readonly own: boolean
  readonly dryRun: boolean
  /** -1: the brokers' default. */
  readonly replicationFactor: number
  /** Of topics whose definition does not say how many; -1: the brokers' default. */
  readonly partitions: number
  readonly logger: Logger
}

/** Makes what is missing, and gives it. Throws where state is gone that was there: an empty topic would hide that. */
export async function createMissing(made: MadeApp, log: LogPort, options: CreateOptions): Promise<readonly NewTopic[]> {
  const { dryRun, logger } = options
  const theirs = options.own ? [] : missing(await planOf(made, log.admin), false, options)
  if (!dryRun) await log.admin.create(theirs)
  // How many partitions state has follows from the sources, which are there now.
  const plan = await planOf(made, log.admin)
  const own = missing(plan, true, options)
  await demandStateIsThere(made, log, plan.topics, own)
  const isUnread = plan.topics.some(({ roles, found }) => roles.includes('source') && found === undefined)
  if (own.length > 0 && isUnread && !dryRun) throw new CliError('notFound', sourcesFirst(made))
  if (!dryRun && own.length > 0) await makeTopics({ log, logger }, own)
  return [...theirs, ...own]
}

function missing(
  { topics }: { readonly topics: readonly PlannedTopic[] },
  own: boolean,
  { replicationFactor, partitions: byDefault }: CreateOptions,
): readonly NewTopic[] {
  const those = topics.filter((topic) => topic.own === own && topic.found === undefined)
  return those
    .filter(({ roles }) => !roles.includes('positions'))
    .map(({ topic: name, partitions = own ? -1 : byDefault, configs }) => ({
      name,
      partitions,
      replicationFactor,
      configs,
    }))
}

async function demandStateIsThere(
  { options: { id: app }, program }: MadeApp,
  log: LogPort,
  topics: readonly PlannedTopic[],
  lacking: readonly NewTopic[],
): Promise<void> {
  const partitions = new Map(topics.map(({ topic, found }) => [topic, found?.partitions ?? 0]))
  try {
    await demandNoneLost({ app, program, log, missing: lacking.map(({ name }) => name), partitions })
  } catch (error) {
    throw MillraceError.is(error, 'TOPIC_MISSING') ? new CliError('refused', error.message, error) : error
  }
}

function sourcesFirst({ program }: MadeApp): string {
  const names = program.sources.map(({ name }) => name).join(', ')
  return `the app's own topics have as many partitions as its largest source, and not all of ${names} are there: create them first, or leave out --own`
}
