import { stat } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { resolve } from 'node:path'
import { InvalidArgumentError } from 'commander'
import type { Define } from '../frame/does.js'
import { CliError, exits } from '../frame/exits.js'
import { durationOf, wholeOf } from '../frame/options.js'
import { runFleet, type RunArguments } from '../running/run.js'

const mostProcesses = 256

export const define: Define = (command) => {
  command
    .argument('<program.js>', 'your program, which calls createApp({ … }).run()')
    .argument('[arguments...]', 'what it is given, behind --')
    .option('-n, --processes <number>', 'how many; auto: one for each core', processesOf, 1)
    .option(
      '--port <port>',
      'where all of them are one over HTTP, instead of the port that the program names',
      wholeOf(0, 65_535),
    )
    .option(
      '--name <name>',
      'their instance ids are <name>-0, <name>-1, …; the name of this machine when not given',
      nameOf,
    )
    .option('--crashes <number>', 'so often a process that ends at once is started again', wholeOf(0, 1_000), 5)
    .option('--stop-timeout <duration>', 'how long they may take to stop before they are killed', durationOf, 30_000)
    .option('--no-prefix', 'what they say does not have their number before each line')
    .action(run)
}

async function run(program: string, args: readonly string[], options: RunArguments): Promise<void> {
  const file = resolve(program)
  if (!(await stat(file).catch(() => undefined))?.isFile())
    throw new CliError('notFound', `${program}: there is no such file. Give the JavaScript file that runs your app.`)
  await runFleet(file, args, options)
  process.exitCode = exits.ok
}

function processesOf(text: string): number {
  return text === 'auto' ? Math.min(mostProcesses, availableParallelism()) : wholeOf(1, mostProcesses)(text)
}

function nameOf(text: string): string {
  if (/^[A-Za-z0-9._-]{1,100}$/.test(text)) return text
  throw new InvalidArgumentError("Give up to 100 letters, digits, '.', '_' and '-'.")
}
