import { spawn, type ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Stats } from 'millrace'
import { wallClock } from './wall-clock.js'

const program = fileURLToPath(new URL('./member.js', import.meta.url))

export interface MemberOptions {
  readonly name: string
  readonly brokers: string
  readonly app: string
  readonly dataDir: string
  readonly commitIntervalMs: number
  readonly sessionTimeoutMs: number
  readonly instanceId?: string
  readonly standbys?: number
}

export interface LogLine {
  readonly at: number
  readonly level: string
  readonly message?: string
  readonly fields: string
}

/** An instance of the app in a process of its own, and what it has said. */
export class MemberProcess {
  readonly name: string
  readonly options: MemberOptions
  readonly lines: LogLine[] = []
  readonly #child: ChildProcess
  readonly #ended: Promise<string>
  #stderr = ''
  /** Its stats when its first tasks ran. */
  ready: Stats | undefined
  /** How it ended. */
  end: string | undefined

  constructor(options: MemberOptions) {
    this.name = options.name
    this.options = options
    const args = {
      brokers: options.brokers,
      app: options.app,
      name: options.name,
      'data-dir': options.dataDir,
      'commit-interval': options.commitIntervalMs,
      'session-timeout': options.sessionTimeoutMs,
      'instance-id': options.instanceId,
      standbys: options.standbys,
    }
    const given = Object.entries(args).filter(([, value]) => value !== undefined)
    this.#child = spawn(
      process.execPath,
      [program, ...given.flatMap(([name, value]) => [`--${name}`, String(value)])],
      {
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    )
    createInterface({ input: this.#child.stdout! }).on('line', (line) => this.#said(line))
    this.#child.stderr!.on('data', (chunk: Buffer) => (this.#stderr += chunk.toString()))
    this.#ended = new Promise((resolve) => {
      this.#child.once('close', (code, signal) => resolve((this.end = signal ?? String(code))))
    })
  }

  #said(line: string): void {
    const space = line.indexOf(' ')
    // The last line of a killed process may be cut off.
    if (space < 0 || !line.endsWith('}')) return
    const value = JSON.parse(line.slice(space + 1))
    if (line.startsWith('ready ')) {
      this.ready = value
      this.lines.push({ at: wallClock(), level: 'info', message: 'ready', fields: '' })
    } else this.lines.push(value)
  }

  /** Warnings, errors, and what else went to stderr. */
  get complaints(): string {
    const lines = this.lines.filter(({ level }) => level === 'warn' || level === 'error')
    return [...lines.map(({ message, fields }) => `${message} ${fields}`), this.#stderr].join('\n')
  }

  /** `kill -9`; resolves when it is gone. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#ended
  }

  /** A clean stop, which must end cleanly. */
  async stop(): Promise<void> {
    this.#child.kill('SIGTERM')
    const how = await this.#ended
    if (how !== '0') throw new Error(`${this.name} ended with ${how}:\n${this.complaints}`)
  }
}
