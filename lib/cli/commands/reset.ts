import { InvalidArgumentError, Option } from 'commander'
import { systemClock } from '../../core/clock.js'
import type { HeldStores } from '../../store/level/held-stores.js'
import { does, type Define } from '../frame/does.js'
import { CliError } from '../frame/exits.js'
import { durationOf, takes } from '../frame/options.js'
import type { Session } from '../frame/session.js'
import { table } from '../frame/table.js'
import type { Aim } from '../resetting/aims.js'
import { executeReset } from '../resetting/execute.js'
import { planReset, type ResetPlan } from '../resetting/plan.js'
import { rowsThatStay } from '../resetting/told.js'
import { timeOf } from '../frame/times.js'

interface Options {
  readonly toEarliest?: boolean
  readonly toLatest?: boolean
  readonly toTime?: number
  readonly byDuration?: number
  readonly shiftBy?: number
  readonly topics?: string
  readonly keepState?: boolean
  readonly deadLetters?: boolean
  readonly dataDir?: string
  readonly execute?: boolean
}

export const define: Define = (command) => {
  takes(command, 'cluster', 'program')
    .option('--to-earliest', 'read from the start of the topics (the default)')
    .option('--to-latest', 'read what comes from now on')
    .addOption(new Option('--to-time <time>', 'read from this time on: 2026-01-31T12:00:00Z').argParser(timeOf))
    .addOption(new Option('--by-duration <duration>', 'read what is not older than this: 24h').argParser(durationOf))
    .addOption(
      new Option('--shift-by <records>', 'so many records of each partition on, or back: -100').argParser(shiftOf),
    )
    .option('--topics <list>', 'only these topics that the app reads: a,b (all, unless said)')
    .option('--keep-state', 'set offsets only: state, timers and what is on its way stay')
    .option('--dead-letters', 'delete the dead letters too')
    .option('--data-dir <path>', 'the dataDir of the app: its local stores are removed too')
    .option('--execute', 'do it; without this it only says what it would do')
    .action(does(reset))
}

async function reset(session: Session, options: Options): Promise<void> {
  const aim = aimOf(options)
  const app = await session.app()
  const program = await session.program()
  const log = await session.log()
  const dataDir = options.keepState === true ? undefined : (options.dataDir ?? program?.options.dataDir)
  await using stores = dataDir === undefined ? undefined : await heldStores(dataDir, app)
  const plan = await planReset(log, {
    app,
    aim,
    topics: options.topics?.split(',').map((topic) => topic.trim()),
    sources: program?.program.sources.map(({ name }) => name),
    keepState: options.keepState === true,
    deadLetters: options.deadLetters === true,
  })
  if (options.execute === true)
    await executeReset(
      log,
      plan,
      (what) => session.out.progress(what),
      async () => stores?.remove(),
    )
  const told = { app, executed: options.execute === true, aim, ...documentOf(plan), stores: pathsOf(stores) }
  session.out.result(told, () => textOf(plan, stores, options, dataDir))
}

async function heldStores(dataDir: string, app: string): Promise<HeldStores> {
  const { holdStores } = await import('../../store/level/held-stores.js')
  try {
    return await holdStores(dataDir, app)
  } catch (error) {
    throw new CliError('refused', error instanceof Error ? error.message : String(error), error)
  }
}

const pathsOf = (stores: HeldStores | undefined): readonly string[] => (stores?.stores ?? []).map(({ path }) => path)

function aimOf({ toEarliest, toLatest, toTime, byDuration, shiftBy }: Options): Aim {
  const aims: Aim[] = [
    ...(toEarliest === true ? [{ to: 'earliest' } as const] : []),
    ...(toLatest === true ? [{ to: 'latest' } as const] : []),
    ...(toTime === undefined ? [] : [{ to: 'time', ms: toTime } as const]),
    ...(byDuration === undefined ? [] : [{ to: 'time', ms: systemClock.now() - byDuration } as const]),
    ...(shiftBy === undefined ? [] : [{ to: 'shift', by: shiftBy } as const]),
  ]
  if (aims.length > 1)
    throw new CliError('usage', 'give one of --to-earliest, --to-latest, --to-time, --by-duration and --shift-by')
  return aims[0] ?? { to: 'earliest' }
}

function shiftOf(text: string): number {
  if (/^[+-]?\d{1,15}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('Give a whole number of records, with a minus to go back.')
}

function documentOf({ offsets, untouched, deleted, kept, forgotten }: ResetPlan): object {
  const groups = [...forgotten].filter(([, partitions]) => partitions.length > 0)
  return {
    offsets: offsets.map(({ topic, partition, from, to, start, end }) => {
      return { topic, partition, from: from ?? null, to, start, end }
    }),
    untouched,
    deleted,
    kept,
    forgotten: Object.fromEntries(
      groups.map(([group, partitions]) => [group, partitions.map(({ topic, partition }) => ({ topic, partition }))]),
    ),
  }
}

function textOf(
  plan: ResetPlan,
  stores: HeldStores | undefined,
  options: Options,
  dataDir: string | undefined,
): string {
  const { app, offsets, untouched, deleted, kept } = plan
  const isDone = options.execute === true
  const rows = offsets.map(({ topic, partition, from, to, end }) => [topic, partition, from, to, end - to] as const)
  const lines = [
    isDone ? `App '${app}' is reset.` : `What a reset of app '${app}' would do; nothing has been changed.`,
    '',
    rows.length === 0
      ? 'Offsets: none. It is not known what the app reads: give --topics or --program to set some.'
      : table(['topic', 'partition', 'stood at', 'begins at', 'to read'], rows),
    ...(untouched.length === 0 ? [] : ['', `Kept where they stand: ${untouched.join(', ')}`]),
    '',
    ...list(isDone ? 'Topics deleted' : 'Topics to be deleted', deleted),
    ...list('Topics kept', kept),
    ...list(isDone ? 'Local stores removed' : 'Local stores to be removed', pathsOf(stores)),
    ...(stores !== undefined && stores.stores.length === 0
      ? [`Local stores: there are none under ${stores.location}`]
      : []),
    ...(options.keepState === true || dataDir !== undefined
      ? []
      : ['Local stores: none looked for. Those of an earlier life are found out and removed when the app starts.']),
    ...rowsThatStay(plan),
    ...(isDone ? [] : ['', 'Add --execute to do it.']),
  ]
  return lines.join('\n')
}

const list = (head: string, names: readonly string[]): readonly string[] =>
  names.length === 0 ? [] : [`${head}:`, ...names.map((name) => `  ${name}`)]
