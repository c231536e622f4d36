import { Option, type Command } from 'commander'
import { pathToFileURL } from 'node:url'
import { resolve } from 'node:path'
import { reasonOf } from '../../core/errors.js'
import type { ReplaySelection } from '../../app/replaying/selection.js'
import { does, type Define } from '../frame/does.js'
import { CliError, type Exit } from '../frame/exits.js'
import { takes, wholeOf } from '../frame/options.js'
import { flushed, jsonText } from '../frame/output.js'
import type { Session } from '../frame/session.js'
import { plainText } from '../frame/table.js'
import { timeOrAgoOf } from '../frame/times.js'
import { findLetters, type FoundLetter } from '../letters/found.js'
import { filterOf, isEmptyFilter, placeOf, type FilterOptions } from '../letters/filter.js'
import { reportText, sendLetters } from '../letters/sending.js'
import { letterDocument, lettersText, lineOf, wholeDocument, wholeText, type LetterLine } from '../letters/told.js'

interface ListOptions extends FilterOptions {
  readonly writtenSince?: number
  readonly writtenUntil?: number
  readonly all?: boolean
  readonly limit: number
  readonly after?: string
}

interface SendOptions extends FilterOptions {
  readonly execute?: boolean
  readonly edit?: string
  readonly reason?: string
}

export const define: Define = (command) => {
  lists(takes(command.command('ls').summary('list them'), 'cluster', 'program'))
    .option('--all', 'those that need nothing any more, too')
    .option('-n, --limit <count>', 'so many at most', wholeOf(1, 1_000_000), 100)
    .option('--after <letter>', 'those behind this one: partition@offset')
    .action(does(ls))
  takes(command.command('show').summary('one with its record, error and stack'), 'cluster', 'program')
    .argument('<letter>', 'partition@offset, as ls lists it')
    .action(does(show))
  lists(takes(command.command('export').summary('as JSON lines, with their records'), 'cluster', 'program'))
    .option('--all', 'those that need nothing any more, too')
    .action(does(exportAll))
  filters(takes(command.command('replay').summary('send them back to their objects'), 'cluster', 'program'))
    .option('--edit <file.js>', 'module whose default export is given each letter and gives { key, value, headers }')
    .option('--execute', 'do it; without this it only says what it would do')
    .action(does(replay))
  filters(takes(command.command('drop').summary('give them up; their objects go on'), 'cluster', 'program'))
    .requiredOption('--reason <text>', 'why, for the log')
    .option('--execute', 'do it; without this it only says what it would do')
    .action(does(drop))
}

function filters(command: Command): Command {
  return command
    .option('--kind <name>', 'of objects of this kind')
    .option('--key <key>', 'of the object with this key')
    .option('--code <code>', 'that failed with this code: HANDLER_FAILED')
    .option('--topic <name>', 'whose record came from this topic')
    .addOption(new Option('--since <time>', 'event time of the record, or how long ago: 2h').argParser(timeOrAgoOf))
    .addOption(new Option('--until <time>', 'before this event time').argParser(timeOrAgoOf))
    .option('--letter <letter>', 'one: partition@offset')
}

/** Only what is looked at is picked by it: whether a letter can be sent back has nothing to do with when it was written. */
function lists(command: Command): Command {
  return filters(command)
    .addOption(
      new Option('--written-since <time>', 'letters written not before, or so long ago: 2h').argParser(timeOrAgoOf),
    )
    .addOption(new Option('--written-until <time>', 'letters written before').argParser(timeOrAgoOf))
}

function found(session: Session, app: string, options: Partial<ListOptions>) {
  const after = options.after === undefined ? undefined : placeOf('--after', options.after)
  return async (): Promise<AsyncIterable<readonly FoundLetter[]>> =>
    findLetters(await session.log(), {
      app,
      filter: filterOf(options),
      written: { since: options.writtenSince, until: options.writtenUntil },
      all: options.all === true,
      after,
      signal: session.signal,
      onRead: (what) => session.out.progress(what),
    })
}

async function ls(session: Session, options: ListOptions): Promise<void> {
  const app = await session.app()
  const lines: LetterLine[] = []
  let more = false
  search: for await (const letters of await found(session, app, options)()) {
    for (const letter of letters) {
      if (lines.length === options.limit) {
        more = true
        break search
      }
      lines.push(lineOf(letter))
      if (session.out.json) session.out.item(letterDocument(letter), '')
    }
  }
  if (!session.out.json)
    session.out.raw(lines.length === 0 ? `no ${options.all === true ? '' : 'open '}dead letters` : lettersText(lines))
  if (more) session.out.note(`there are more: --after ${lines.at(-1)?.[0] ?? ''}`)
}

async function show(session: Session, _options: object, name: string): Promise<void> {
  const letter = placeOf('the letter', name)
  const app = await session.app()
  for await (const [one] of await found(session, app, { letter: name, all: true })())
    if (one !== undefined) return session.out.result(wholeDocument(one), () => wholeText(one))
  throw new CliError(
    'notFound',
    `there is no dead letter ${letter.partition}@${letter.offset} of app '${app}'. See to: millrace dlq ls --all`,
  )
}

async function exportAll(session: Session, options: ListOptions): Promise<void> {
  for await (const letters of await found(session, await session.app(), options)()) {
    for (const letter of letters) session.out.raw(jsonText(wholeDocument(letter)))
    await flushed()
  }
}

async function replay(session: Session, options: SendOptions): Promise<Exit> {
  const filter = filterOf(options)
  const edit = options.edit === undefined ? undefined : await editIn(options.edit)
  return await send(session, options, { ...(isEmptyFilter(filter) ? {} : { only: filter }), ...(edit && { edit }) })
}

async function drop(session: Session, options: SendOptions): Promise<Exit> {
  const filter = filterOf(options)
  if (isEmptyFilter(filter))
    throw new CliError('usage', 'which? Give a --kind, --key, --code, --topic, --since, --until or --letter')
  return await send(session, options, { drop: { ...filter, reason: options.reason as string } })
}

async function send(session: Session, { execute = false }: SendOptions, selection: ReplaySelection): Promise<Exit> {
  const app = await session.app()
  const warn = (_fields: object, message?: string): void => session.out.note(plainText(message ?? ''))
  const logger = { debug: () => undefined, info: () => undefined, warn, error: warn }
  const { signal } = session
  const report = await sendLetters(await session.log(), { app, execute, selection, logger, signal })
  const { sent: _sent, sentInAll, ...told } = report
  session.out.result({ app, executed: execute, ...told }, () => reportText(report, execute))
  const asked = selection.only !== undefined || selection.drop !== undefined
  if (asked && sentInAll + report.done + report.leftInAll === 0) return 'notFound'
  return report.leftInAll > 0 ? 'failed' : 'ok'
}

async function editIn(file: string): Promise<NonNullable<ReplaySelection['edit']>> {
  const loaded = (await import(pathToFileURL(resolve(file)).href).catch((error: unknown) => {
    throw new CliError('usage', `--edit ${file} cannot be loaded: ${reasonOf(error)}`, error)
  })) as { readonly default?: unknown }
  if (typeof loaded.default === 'function') return loaded.default as NonNullable<ReplaySelection['edit']>
  throw new CliError('usage', `--edit ${file}: its default export is no function`)
}
