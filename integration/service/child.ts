import { spawn, type ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Health } from 'millrace'
import type { OrderState } from './orders.js'

const program = join(process.cwd(), 'build', 'integration', 'service', 'main.js')

/** The service as a child process, and what it has said so far. */
export class ServiceProcess {
  readonly #child: ChildProcess
  readonly #orders = new Map<string, OrderState>()
  readonly name: string
  readonly ended: Promise<string>
  #hasEnded = false
  #lists = 0
  /** A list that was refused: its tasks were on the move. */
  #unlisted = 0
  isReady = false
  health: (Health & { readonly records: number }) | undefined
  errors = ''

  constructor(name: string, args: Readonly<Record<string, string>>) {
    this.name = name
    const child = spawn(
      process.execPath,
      ['--enable-source-maps', program, ...Object.entries(args).map(([option, value]) => `--${option}=${value}`)],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    )
    this.#child = child
    createInterface(child.stdout).on('line', (line) => this.#said(line))
    child.stderr.on('data', (chunk: Buffer) => (this.errors += chunk.toString()))
    this.ended = new Promise((resolve) =>
      child.once('close', (code, signal) => {
        this.#hasEnded = true
        resolve(signal ?? String(code))
      }),
    )
  }

  #said(line: string): void {
    // The last line of a killed process may be cut off.
    if (!line.endsWith('}')) return
    const space = line.indexOf(' ')
    const word = line.slice(0, space)
    const value = JSON.parse(line.slice(space + 1))
    if (word === 'ready') this.isReady = true
    if (word === 'progress') this.health = value
    if (word === 'order') this.#orders.set(value.key, value.state)
    if (word === 'listed') this.#lists++
    if (word === 'unlisted') this.#unlisted++
  }

  get hasEnded(): boolean {
    return this.#hasEnded
  }

  /** The orders of its tasks as it has committed them now; undefined when it cannot say. */
  async orders(
    until: (what: string, test: () => boolean) => Promise<void>,
  ): Promise<Map<string, OrderState> | undefined> {
    const [lists, unlisted] = [this.#lists, this.#unlisted]
    this.#orders.clear()
    this.#child.kill('SIGUSR2')
    await until(`the orders of ${this.name}`, () => this.#lists > lists || this.#unlisted > unlisted)
    return this.#lists > lists ? new Map(this.#orders) : undefined
  }

  /** `kill -9`; resolves when it is gone. Killing what has ended is allowed. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.ended
  }

  terminate(): void {
    this.#child.kill('SIGTERM')
  }
}
