import { allEntries, type Entry, type EntryOption } from './tree.js'

export function fishCompletion(root: Entry): string {
  const lines = allEntries(root).flatMap((entry) => [
    ...entry.commands.map(
      (each) => `complete -c millrace -f -n ${where(entry)} -a ${each.path.at(-1)} -d ${quoted(each.summary)}`,
    ),
    ...entry.options.map((option) => `complete -c millrace -n ${where(entry)} ${optionText(option)}`),
  ])
  return [
    '# Completions of millrace for fish: millrace completion fish > ~/.config/fish/completions/millrace.fish',
    'complete -c millrace -f',
    ...lines,
  ].join('\n')
}

/** When the words so far name this command, and none below it. */
function where({ path, commands }: Entry): string {
  const seen = path.map((name) => `__fish_seen_subcommand_from ${name}`)
  const below = commands.map(({ path: each }) => each.at(-1)).join(' ')
  const none = below === '' ? [] : [`not __fish_seen_subcommand_from ${below}`]
  return quoted([...seen, ...none].join('; and '))
}

function optionText({ long, short, summary, value }: EntryOption): string {
  const names = `-l ${long}${short === undefined ? '' : ` -s ${short}`} -d ${quoted(summary)}`
  if (value === 'none') return names
  if (value === 'file') return `${names} -r -F`
  return value === 'text' ? `${names} -x` : `${names} -x -a ${quoted(value.join(' '))}`
}

const quoted = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", `\\'`)}'`
