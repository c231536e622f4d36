import { Command } from 'commander'
import { commands } from '../../lib/cli/commands/all.js'
import { pages } from './pages.js'

/** Command lines of `millrace` in the blocks and spans of a page, each as its words. */
function linesIn(text: string): readonly string[] {
  const blocks = [...text.matchAll(/^```sh\n(.*?)^```$/gms)].flatMap(([, code = '']) =>
    code.replaceAll('\\\n', ' ').split('\n'),
  )
  const spans = [...text.replace(/^```.*?^```$/gms, '').matchAll(/`((?:npx )?millrace [a-z][^`…]*)`/g)]
  return [...blocks, ...spans.map(([, code = '']) => code)].filter((line) => /^(\$ )?(npx )?millrace [a-z]/.test(line))
}

/** What there is not of what a line calls: its command, or an option of it. */
function missingOf(line: string, cli: Command): string | undefined {
  const [, ...words] = line
    .replace(/^(\$ )?(npx )?/, '')
    .split(/[|>;#]/)[0]!
    .split(/\s+/)
    .filter(Boolean)
  let command = cli
  for (const word of words) {
    const next = command.commands.find((each) => each.name() === word)
    if (next === undefined) break
    command = next
  }
  if (command === cli) return `there is no command ${words[0]}`
  const known = command.options.flatMap(({ long, short }) => [long, short])
  const unknown = words.filter((word) => /^--?[a-z]/.test(word)).find((word) => !known.includes(word.split('=')[0]))
  return unknown === undefined ? undefined : `${command.name()} has no option ${unknown}`
}

describe('command lines of millrace in the documentation', () => {
  let cli: Command
  beforeAll(async () => {
    cli = new Command('millrace')
    for (const { name, load } of commands) (await load()).define(cli.command(name), () => Promise.resolve(cli))
  })

  const lines = pages.flatMap(({ path, text }) => linesIn(text).map((line) => [path, line] as const))

  it.each(lines)('in %s call what there is: %s', (_path, line) => {
    expect(missingOf(line, cli)).toBeUndefined()
  })

  it('are found, and what there is not is told', () => {
    expect(lines.length).toBeGreaterThan(10)
    expect(missingOf('npx millrace fly', cli)).toBe('there is no command fly')
    expect(missingOf('millrace lag --by-hand', cli)).toBe('lag has no option --by-hand')
  })
})
