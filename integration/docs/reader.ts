import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { promisify } from 'node:util'
import type { Step } from './steps.js'

const run = promisify(execFile)

/** Where a reader works, and what differs there from what the page says. */
export interface Desk {
  readonly folder: string
  readonly env: NodeJS.ProcessEnv
  /** The package, instead of the one in the registry. */
  readonly tarball: string
}

/** Does what a page says, in an empty folder. */
export class Reader {
  readonly #desk: Desk
  readonly #terminals = new Map<string, ChildProcess>()
  readonly skipped: string[] = []

  constructor(desk: Desk) {
    this.#desk = desk
  }

  async do(step: Step): Promise<void> {
    if (step.kind === 'file') return writeFileSync(join(this.#desk.folder, step.name), step.text)
    if (step.kind === 'terminal') return this.#open(step)
    // The broker is there already.
    if (step.commands.startsWith('docker ')) return void this.skipped.push(step.commands)
    const { says } = step
    const commands = step.commands.replace(
      /^npm install millrace\b/m,
      `npm install --no-audit --no-fund --prefer-offline ${this.#desk.tarball}`,
    )
    // What the page shows comes when the processes are done, which takes a while after one was killed.
    for (let tries = says === undefined ? 1 : 120; ; tries--) {
      const { stdout } = await run('sh', ['-ec', commands], { cwd: this.#desk.folder, env: this.#desk.env })
      if (says === undefined || stdout.trim() === says) return
      if (tries === 1) throw new Error(`${commands} says ${stdout}, and on the page ${says}`)
      await setTimeout(500)
    }
  }

  /** In it a program may have been killed before. */
  async #open({ terminal, commands, says }: Step & { readonly kind: 'terminal' }): Promise<void> {
    const { folder: cwd, env } = this.#desk
    const child = spawn('sh', ['-c', `exec ${commands}`], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
    this.#terminals.set(terminal, child)
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text))
    while (says !== undefined && !output.split('\n').includes(says)) {
      if (child.exitCode !== null) throw new Error(`${commands} ended: ${output}`)
      await setTimeout(50)
    }
  }

  /** How the program in a terminal ended. */
  async ended(terminal: string): Promise<number | string | null> {
    const child = this.#terminals.get(terminal)!
    while (child.exitCode === null && child.signalCode === null) await setTimeout(50)
    return child.exitCode ?? child.signalCode
  }

  close(): void {
    for (const child of this.#terminals.values()) child.kill('SIGKILL')
  }
}
