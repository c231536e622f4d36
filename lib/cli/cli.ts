import { Command, CommanderError } from 'commander'
import { reasonOf } from '../core/errors.js'
import { commands, type Listed } from './commands/all.js'
import { CliError, codeOf, exitOf, exits } from './frame/exits.js'
import { plainText } from './frame/table.js'
import { version } from './frame/version.js'

/** Runs a command line, without `node` and `millrace`; resolves to the exit code. Never rejects. */
export async function runCli(args: readonly string[]): Promise<number> {
  try {
    await (await cliFor(args)).parseAsync(args, { from: 'user' })
    return Number(process.exitCode ?? exits.ok)
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return exits.ok
      // For people it has been told already.
      if (isForPrograms(args)) tell(new CliError('usage', error.message.replace(/^error: /, '')), args)
      return exits.usage
    }
    tell(error, args)
    return exits[exitOf(error)]
  }
}

/** Only the command that is called is read; the others are names in the help. */
export async function cliFor(args: readonly string[]): Promise<Command> {
  const called = commands.find(({ name }) => name === (args[0] === 'help' ? args[1] : args[0]))
  const cli = root()
  // Commands that are made from now on take it over.
  if (isForPrograms(args)) cli.configureOutput({ outputError: () => undefined }).showHelpAfterError(false)
  for (const each of commands) {
    const command = cli.command(each.name).summary(each.summary).description(`${each.summary}`)
    if (each === called) await defined(each, command)
  }
  return cli
}

/** All of it, for completions and for the documentation. */
export async function wholeCli(): Promise<Command> {
  const cli = root()
  for (const each of commands)
    await defined(each, cli.command(each.name).summary(each.summary).description(each.summary))
  return cli
}

async function defined({ load }: Listed, command: Command): Promise<void> {
  const { define } = await load()
  define(command, wholeCli)
}

function root(): Command {
  return new Command('millrace')
    .description('Looks at and works on Millrace apps: their topics, state, dead letters.')
    .version(version())
    .exitOverride()
    .showHelpAfterError('(--help says what there is)')
    .configureHelp({ sortSubcommands: false, showGlobalOptions: false })
}

/** Whatever else is wrong with what was asked for. What stands behind `--` is for another program. */
const isForPrograms = (args: readonly string[]): boolean =>
  args.slice(0, args.includes('--') ? args.indexOf('--') : args.length).includes('--json')

/** A mistake of the user is a sentence; where in the library it was met is for those who ask. */
export function tell(error: unknown, args: readonly string[]): void {
  if (args.includes('--debug') && error instanceof Error) process.stderr.write(`${error.stack}\n`)
  const message = reasonOf(error)
  if (isForPrograms(args)) process.stderr.write(`${JSON.stringify({ error: { code: codeOf(error), message } })}\n`)
  else process.stderr.write(`millrace: ${plainText(message)}\n`)
}
