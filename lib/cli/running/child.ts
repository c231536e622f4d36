import { fork, type ChildProcess } from 'node:child_process'
import { systemClock } from '../../core/clock.js'
import { childEnvironment, type ChildReport } from '../../app/life/parent.js'
import { copyLines } from './lines.js'

export interface ChildOptions {
  readonly file: string
  readonly args: readonly string[]
  readonly number: number
  readonly instance: string
  readonly listen: boolean
  /** Whether its lines have its number before them. */
  readonly prefix: boolean
  readonly onReport: (child: Child) => void
}

export interface Ended {
  /** An exit code, or the name of a signal. */
  readonly how: string
  readonly code: number | null
  readonly livedMs: number
}

/** One life of a child. */
export class Child {
  readonly number: number
  readonly pid: number | undefined
  readonly ended: Promise<Ended>
  report: ChildReport['millrace'] = {}
  readonly #process: ChildProcess

  constructor({ file, args, number, instance, listen, prefix, onReport }: ChildOptions) {
    this.number = number
    const started = systemClock.elapsed()
    const orders = { parent: process.pid, number, instance, listen }
    const child = fork(file, args, { env: { ...process.env, ...childEnvironment(orders) }, silent: true })
    this.#process = child
    this.pid = child.pid
    const before = prefix ? `[${number}] ` : ''
    if (child.stdout !== null) copyLines(child.stdout, process.stdout, before)
    if (child.stderr !== null) copyLines(child.stderr, process.stderr, before)
    child.on('message', (message) => {
      const report = (message as Partial<ChildReport> | null)?.millrace
      if (typeof report !== 'object' || report === null) return
      this.report = { ...this.report, ...report }
      onReport(this)
    })
    this.ended = new Promise((resolve) => {
      const end = (code: number | null, how: string): void =>
        resolve({ code, how, livedMs: systemClock.elapsed() - started })
      child.once('error', ({ message }) => end(null, message))
      // Not `exit`: what it has said last is still under way then.
      child.once('close', (code, signal) => end(code, signal ?? `exit code ${code}`))
    })
  }

  signal(name: 'SIGTERM' | 'SIGKILL'): void {
    this.#process.kill(name)
  }
}
