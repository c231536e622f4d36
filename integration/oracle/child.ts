import { spawn, type ChildProcess } from 'node:child_process'
import { appendFileSync } from 'node:fs'
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
  /** @default 1000 */
  readonly sessionTimeoutMs?: number
  readonly statusIntervalMs?: number
  readonly partitions?: number
  readonly replicationFactor?: number
  readonly instanceId?: string
  readonly standbyReplicas?: number
  /** Part of the turns that fail or take a while; with it there are alarms too. */
  readonly trouble?: number
  readonly untilDrained?: boolean
  /** A file for its warnings and errors. */
  readonly logFile?: string
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
  #lists = 0
  /** It has said that it runs; before, it hears no signal. */
  started = false
  /** Objects it listed last. */
  readonly objects = new Map<string, OracleState>()
  ready: Status | undefined
  /** Milliseconds from the start of the process. */
  readyAfterMs: number | undefined
  done: Status | undefined
  /** The last two statuses. */
  last: Status | undefined
  beforeLast: Status | undefined
  statusesSinceReady = 0

  constructor({ untilDrained = false, logFile, ...options }: OracleOptions) {
    const args = argumentsOf(options)
    if (untilDrained) args.push('--until-drained')
    const child = spawn(process.execPath, ['--enable-source-maps', program, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#child = child
    createInterface(child.stdout).on('line', (line) => this.#said(line))
    child.stderr.on('data', (chunk: Buffer) => {
      this.#errors += chunk.toString()
      if (logFile !== undefined) appendFileSync(logFile, `${new Date().toISOString()} ${chunk.toString()}`)
    })
    this.#ended = new Promise((resolve) => {
      child.once('close', (code, signal) => {
        this.#hasEnded = true
        resolve(signal ?? String(code))
        this.#look()
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
    if (word === 'listed') this.#lists++
    if (word === 'started') this.started = true
    if (word === 'progress') {
      ;[this.beforeLast, this.last] = [this.last, value]
      if (this.ready !== undefined) this.statusesSinceReady++
    }
    if (word === 'done') this.done = value
    if (word === 'ready') {
      this.ready = value
      this.readyAfterMs = performance.now() - this.#startedAt
    }
    this.#look()
  }

  #look(): void {
    for (const look of this.#waiting) look()
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  /** Its warnings and errors. */
  get errors(): string {
    return this.#errors
  }

  get hasEnded(): boolean {
    return this.#hasEnded
  }

  /** How it ended: its exit code, or the signal that killed it. */
  get ended(): Promise<string> {
    return this.#ended
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

  /** The objects of its tasks, as it has committed them now. */
  async list(): Promise<ReadonlyMap<string, OracleState>> {
    const lists = this.#lists
    this.objects.clear()
    this.signal('SIGUSR2')
    await this.until(() => this.#lists > lists)
    return this.objects
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
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

function argumentsOf({ brokers, app, dataDir, commitIntervalMs = 100, ...more }: OracleOptions): string[] {
  const values = {
    brokers: brokers.join(','),
    app,
    'data-dir': dataDir,
    'commit-interval': commitIntervalMs,
    'session-timeout': more.sessionTimeoutMs,
    'status-interval': more.statusIntervalMs,
    partitions: more.partitions,
    'replication-factor': more.replicationFactor,
    'instance-id': more.instanceId,
    'standby-replicas': more.standbyReplicas,
    trouble: more.trouble,
  }
  return Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : [`--${name}`, String(value)]))
}
