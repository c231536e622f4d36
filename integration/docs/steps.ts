import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** What a reader of a page does, block by block. */
export type Step =
  | { readonly kind: 'file'; readonly name: string; readonly text: string }
  /** Commands one after the other. `says` is what the last of them prints, if the page shows it. */
  | { readonly kind: 'run'; readonly commands: string; says?: string }
  /** A program that goes on, in a terminal of this name. `says` is a line of its output. */
  | { readonly kind: 'terminal'; readonly terminal: string; readonly commands: string; says?: string }

/** The blocks of a page, or of what stands before its first section: files begin with a comment that names them, terminals with `# terminal NAME`. */
export function stepsOf(page: string, part: 'all' | 'beginning' = 'all'): readonly Step[] {
  const all = readFileSync(join(__dirname, '..', '..', page), 'utf8')
  const text = part === 'all' ? all : all.slice(0, all.indexOf('\n## '))
  const steps: Step[] = []
  for (const [, language = '', code = ''] of text.matchAll(/^```(\w+)\n(.*?)^```$/gms)) {
    if (language === 'text') says(steps.at(-1), code)
    else steps.push(stepOf(language, code))
  }
  return steps
}

function says(step: Step | undefined, output: string): void {
  if (step === undefined || step.kind === 'file') throw new Error(`output of nothing: ${output}`)
  step.says = output.trim()
}

function stepOf(language: string, code: string): Step {
  const [, name] = /^(?:\/\/|#) (\S+\.\w+|Dockerfile)\n/.exec(code) ?? []
  if (name !== undefined) return { kind: 'file', name, text: code }
  const [, terminal] = /^# terminal (\w+)\n/.exec(code) ?? []
  if (language !== 'sh') throw new Error(`a block that is neither a file nor a command: ${code}`)
  return terminal === undefined
    ? { kind: 'run', commands: code }
    : { kind: 'terminal', terminal, commands: code.split('\n').slice(1).join('\n').trim() }
}
