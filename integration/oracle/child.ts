import { spawn, type ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Health, Stats } from 'millrace'
import type { OracleState } from './program.js'

const program = join(process.cwd(), 'build', 'integration', 'oracle', 'main.js')

export interface OracleOptions {
  readonly brokers: readonly string[]
  readonly app: string
  readonly dataDir: string
  readonly commitIntervalMs?: number
  readonly instanceId?: string
  readonly untilDrained?: boolean
}

interface Status {
  readonly stats: Stats
  readonly health: Health
}

/** The app of program.ts as a child process, and what it has said so far. */
export class OracleProcess {
  readonly #child: ChildProcess
  readonly #ended: Promise<string>
  readonly #waiting = new Set<() => void>()
  readonly #startedAt = performance.now()
  #errors = ''
  #hasEnded = false
  /** Objects it listed at its end. */
  readonly objects = new Map<string, OracleState>()
  ready: Status | undefined
  /** Milliseconds from the start of the process. */
  readyAfterMs: number | undefined
  done: Status | undefined
  /** The last two statuses. */
  last: Status | undefined
  beforeLast: Status | undefined
  statusesSinceReady = 0

  constructor({ brokers, app, dataDir, commitIntervalMs = 100, instanceId, untilDrained = false }: OracleOptions) {
    const args = [
      '--brokers',
      brokers.join(','),
      '--app',
      app,
      '--data-dir',
      dataDir,
      '--commit-interval',
      String(commitIntervalMs),
    ]
    if (instanceId !== undefined) args.push('--instance-id', instanceId)
    if (untilDrained) args.push('--until-drained')
    const child = spawn(process.execPath, ['--enable-source-maps', program, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#child = child
    createInterface(child.stdout).on('line', (line) => this.#said(line))
    child.stderr.on('data', (chunk: Buffer) => (this.#errors += chunk.toString()))
    this.#ended = new Promise((resolve) => {
      child.once('close', (code, signal) => {
        this.#hasEnded = true
        resolve(signal ?? String(code))
        for (const look of this.#waiting) look()
      })
    })
  }

  #said(line: string): void {
    const space = line.indexOf(' ')
    // The last line of a killed process may be cut off.
    if (space < 0 || !line.endsWith('}')) return
    const word = line.slice(0, space)
    const value = JSON.parse(line.slice(space + 1))
    if (word === 'object') this.objects.set(value.key, value.state)
    if (word === 'progress') {
      ;[this.beforeLast, this.last] = [this.last, value]
      if (this.ready !== undefined) this.statusesSinceReady++
    }
    if (word === 'done') this.done = value
    if (word === 'ready') {
      this.ready = value
      this.readyAfterMs = performance.now() - this.#startedAt
    }
    for (const look of this.#waiting) look()
  }

  /** Its warnings and errors. */
  get errors(): string {
    return this.#errors
  }

  /** Looked at with every line it says. Rejects when it ends before. */
  until(test: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        if (!test() && !this.#hasEnded) return
        this.#waiting.delete(look)
        if (test()) resolve()
        else
          reject(
            new Error(
              `the process ended (${this.#child.exitCode ?? this.#child.signalCode}) before its time:\n${this.#errors}`,
            ),
          )
      }
      this.#waiting.add(look)
      look()
    })
  }

  /** `kill -9`; resolves when it is gone. Killing what has ended is allowed. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#ended
  }

  /** A clean stop. */
  async stop(): Promise<void> {
    this.#child.kill('SIGTERM')
    await this.finished()
  }

  /** Its own end, which must be a clean one. */
  async finished(): Promise<void> {
    const how = await this.#ended
    if (how !== '0') throw new Error(`the process ended with ${how}:\n${this.#errors}`)
  }
}
