import { InvalidArgumentError, Option, type Command } from 'commander'
import { parseDuration } from '../../core/duration.js'

/** What the options of the frame hold; a command has those of the groups that it takes. */
export interface CommonOptions {
  readonly json?: boolean
  readonly debug?: boolean
  /** Milliseconds. */
  readonly timeout: number
  readonly brokers?: string
  readonly config?: string
  readonly app?: string
  readonly program?: string
  readonly url?: string
  readonly token?: string
}

const groups = {
  cluster: () => [
    new Option('-b, --brokers <list>', 'addresses of some brokers: host:port,host:port').env('MILLRACE_BROKERS'),
    new Option('--config <file.json>', "how to connect: kafkajs's options, with ssl and sasl").env('MILLRACE_CONFIG'),
    new Option('-a, --app <id>', 'id of the app').env('MILLRACE_APP'),
  ],
  program: () => [
    new Option('-p, --program <file.js>', 'your program, which makes the app; it is not started').env(
      'MILLRACE_PROGRAM',
    ),
  ],
  instance: () => [
    new Option('--url <url>', 'a running instance of the app').env('MILLRACE_URL'),
    new Option('--token <token>', 'its token; better in MILLRACE_TOKEN, since others see command lines').env(
      'MILLRACE_TOKEN',
    ),
  ],
}

/** Gives a command the options of these groups, and those that all have. */
export function takes(command: Command, ...names: readonly (keyof typeof groups)[]): Command {
  for (const name of names) for (const option of groups[name]()) command.addOption(option)
  if (names.includes('cluster') || names.includes('instance')) command.addOption(timeoutOption())
  return command
    .option('--json', 'machine-readable: one JSON document, or a line for each result')
    .option('--debug', 'with the log of the library, and stacks of errors')
}

const timeoutOption = (): Option =>
  new Option('--timeout <duration>', 'how long brokers or the instance may be silent')
    .argParser(durationOf)
    .default(10_000, '10s')

/** Milliseconds, for the options of commands: `.option('--for <duration>', '…', durationOf)`. */
export function durationOf(text: string): number {
  try {
    return parseDuration(text, 'it')
  } catch {
    throw new InvalidArgumentError("Give a whole number and its unit: '500ms', '10s', '5m', '24h'.")
  }
}

/** A whole number in a range, for the options of commands: `.option('-n, --limit <count>', '…', wholeOf(1, 1_000), 100)`. */
export function wholeOf(least: number, most: number): (text: string) => number {
  return (text) => {
    const number = /^\d{1,15}$/.test(text) ? Number(text) : NaN
    if (number >= least && number <= most) return number
    throw new InvalidArgumentError(`Give a whole number from ${least} to ${most}.`)
  }
}
