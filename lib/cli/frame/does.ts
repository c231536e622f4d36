import type { Command } from 'commander'
import { exits, type Exit } from './exits.js'
import { interrupts } from './interrupts.js'
import type { CommonOptions } from './options.js'
import { Session } from './session.js'

/** Gives a command its options, its subcommands, and what it does; `whole` gives the command line with all there is. */
export type Define = (command: Command, whole: () => Promise<Command>) => void

/**
 * What a command does, for `.action(does(async (session, options, argument, …) => …))`. It ends with success, or as it says:
 * `return 'failed'`; what it throws is told in a line or two.
 */
export function does<O, A extends readonly unknown[]>(
  work: (session: Session, options: O, ...args: A) => Promise<Exit | void>,
): (...given: readonly unknown[]) => Promise<void> {
  return async (...given) => {
    const command = given.at(-1) as Command
    const options = command.optsWithGlobals<CommonOptions & O>()
    const session = new Session(options, interrupts())
    const exit = await session.run(() => work(session, options, ...(given.slice(0, -2) as unknown as A)))
    process.exitCode = exits[session.signal.aborted ? 'interrupted' : (exit ?? 'ok')]
  }
}
