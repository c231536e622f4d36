import type { Command, Option } from 'commander'

/** A command as completions see it. */
export interface Entry {
  /** `['topics', 'check']`; of the command itself nothing. */
  readonly path: readonly string[]
  readonly summary: string
  readonly commands: readonly Entry[]
  readonly options: readonly EntryOption[]
}

export interface EntryOption {
  /** Without dashes. */
  readonly long: string
  readonly short: string | undefined
  readonly summary: string
  /** What follows it: nothing, one of some words, a file or folder, or any text. */
  readonly value: 'none' | 'file' | 'text' | readonly string[]
}

export function entryOf(command: Command, path: readonly string[] = []): Entry {
  const commands = command.commands.map((each) => entryOf(each, [...path, each.name()]))
  // Without the name of a subcommand one of them is meant, which may be given its options then.
  const meant = (command as unknown as { readonly _defaultCommandName?: string })._defaultCommandName
  const inherited = command.commands.find((each) => each.name() === meant)?.options ?? []
  const own = [...command.options, ...inherited].filter(({ hidden, long }) => !hidden && long !== undefined)
  const help: EntryOption = { long: 'help', short: 'h', summary: 'display help', value: 'none' }
  return { path, summary: command.summary() || command.description(), commands, options: [...own.map(optionOf), help] }
}

function optionOf(option: Option): EntryOption {
  const { long = '', short, description, required, optional, argChoices, flags } = option
  const takesValue = required || optional
  const isFile = /<[^>]*(file|dir|folder|path)[^>]*>/i.test(flags)
  return {
    long: long.replace(/^--/, ''),
    short: short?.replace(/^-/, ''),
    summary: description,
    value: !takesValue ? 'none' : (argChoices ?? (isFile ? 'file' : 'text')),
  }
}

export function allEntries(entry: Entry): readonly Entry[] {
  return [entry, ...entry.commands.flatMap(allEntries)]
}

/** `--brokers` and `-b`. */
export function flagsOf({ long, short }: EntryOption): readonly string[] {
  return [`--${long}`, ...(short === undefined ? [] : [`-${short}`])]
}

/** Those whose next word is no command, whatever it is. */
export function flagsWithValue(root: Entry): readonly string[] {
  const options = allEntries(root).flatMap((entry) => entry.options.filter(({ value }) => value !== 'none'))
  return [...new Set(options.flatMap(flagsOf))].sort()
}
