import { execFile, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { millrace } from './cli/command.js'

const run = promisify(execFile)
const isThere = (shell: string): boolean => spawnSync(shell, ['-c', 'true']).status === 0

/** What is offered for the last word. */
type Complete = (script: string, words: readonly string[]) => Promise<readonly string[]>

const quoted = (words: readonly string[]): string => words.map((word) => `'${word}'`).join(' ')
const lines = (text: string): readonly string[] => text.split('\n').filter((line) => line !== '')

const inBash: Complete = async (script, words) => {
  const asked = `source ${script}; COMP_WORDS=(${quoted(words)}); COMP_CWORD=${words.length - 1}; _millrace; printf '%s\\n' "\${COMPREPLY[@]}"`
  return lines((await run('bash', ['--norc', '-c', asked])).stdout)
}
// Without a terminal zsh completes nothing: what is asked of its completion system is caught.
const inZsh: Complete = async (script, words) => {
  const caught = `compdef() { : }; compadd() { shift; print -l -- "$@" }; _files() { print -l -- *(N) }`
  const asked = `${caught}; source ${script}; words=(${quoted(words)}); CURRENT=${words.length}; _millrace`
  const all = lines((await run('zsh', ['-f', '-c', asked])).stdout)
  return all.filter((each) => each.startsWith(words.at(-1)!))
}
const inFish: Complete = async (script, words) => {
  const asked = `source ${script}; complete -C ${quoted([words.join(' ')])}`
  const { stdout } = await run('fish', ['--no-config', '-c', asked])
  return lines(stdout).map((line) => line.split('\t')[0] ?? '')
}

describe('completions', () => {
  let folder: string
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'millrace-completion-'))))
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  const shells = [
    ['bash', inBash],
    ['zsh', inZsh],
    ['fish', inFish],
  ] as const

  // bash is always there.
  it.each(shells.filter(([shell]) => shell === 'bash' || isThere(shell)))(
    'in %s offer commands, what is below them, their options, words and files',
    async (shell, complete) => {
      const script = join(folder, 'script')
      const made = await millrace(['completion', shell])
      expect(made).toMatchObject({ code: 0, stderr: '' })
      writeFileSync(script, made.stdout)
      const offered = (...words: readonly string[]) => complete(script, ['millrace', ...words])

      expect(await offered('')).toEqual(expect.arrayContaining(['describe', 'topics', 'lag', 'completion']))
      expect(await offered('top')).toEqual(['topics'])
      expect(await offered('topics', 'c')).toEqual(expect.arrayContaining(['check', 'create']))
      expect(await offered('topics', 'create', '--repl')).toEqual(['--replication-factor'])
      expect(await offered('topics', '--pro')).toEqual(['--program'])
      expect(await offered('topics', 'check', '--repl')).toEqual([])
      // The value of an option is no command.
      expect(await offered('lag', '--app', 'topics', '--wa')).toEqual(['--watch'])
      expect([...(await offered('describe', '--format', ''))].sort()).toEqual(['json', 'mermaid', 'text'])
      expect(await offered('lag', '--app', '')).toEqual([])
      expect(await offered('describe', '--program', 'packa')).toEqual(expect.arrayContaining(['package.json']))
    },
  )

  it('are refused for a shell that is none of these', async () => {
    const end = await millrace(['completion', 'tcsh'])
    expect(end).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringMatching(/Allowed choices are bash, zsh, fish/),
    })
  })
})
