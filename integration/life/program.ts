import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

const processes = join(process.cwd(), 'test', 'processes')

/** The command that runs a program of test/processes. */
export const programOf = (name: string): readonly string[] => [join(processes, 'run-ts.cjs'), join(processes, name)]

/** A process, and what it has said so far. */
export class Program {
  readonly child: ChildProcess
  out = ''
  errors = ''
  code: number | null | undefined
  readonly #ended: Promise<unknown>
  #wake: () => void = () => undefined

  constructor(command: readonly string[]) {
    const child = spawn(process.execPath, command)
    this.child = child
    child.stdout.on('data', (chunk: Buffer) => {
      this.out += chunk.toString()
      this.#wake()
    })
    child.stderr.on('data', (chunk: Buffer) => {
      this.errors += chunk.toString()
      this.#wake()
    })
    this.#ended = once(child, 'close').then(([code]) => {
      this.code = code as number | null
      this.#wake()
    })
  }

  /** Resolves with what the pattern finds in what it says on stdout, or on stderr. Rejects when it ends without. */
  async until(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = pattern.exec(this.out) ?? pattern.exec(this.errors)
      if (found !== null) return found
      if (this.code !== undefined)
        throw new Error(`ended with ${this.code}, without ${pattern}:\n${this.out}${this.errors}`)
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }

  /** Its exit code; null when a signal has ended it. */
  async end(signal?: NodeJS.Signals): Promise<number | null> {
    if (this.code === undefined && signal !== undefined) this.child.kill(signal)
    await this.#ended
    return this.code ?? null
  }
}
