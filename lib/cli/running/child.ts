import { fork, type ChildProcess } from 'node:child_process'
import type { Writable } from 'node:stream'
import { systemClock } from '../../core/clock.js'
import { childEnvironment, readReport, type ChildReport } from '../../app/life/parent.js'
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
  /** Instead of stdout. */
  readonly out?: Writable
}

export interface Ended {
  /** An exit code, or the name of a signal. */
  readonly how: string
  readonly code: number | null
  readonly livedMs: number
}

/** So long after its end what it has said last may be under way; what it has started may hold its pipes open for ever. */
const lastWordsMs = 500

/** One life of a child. */
export class Child {
  readonly number: number
  readonly pid: number | undefined
  readonly ended: Promise<Ended>
  report: ChildReport['millrace'] = {}
  /** It has been asked to end. */
  isEnding = false
  readonly #process: ChildProcess

  constructor({ file, args, number, instance, listen, prefix, onReport, out = process.stdout }: ChildOptions) {
    this.number = number
    const started = systemClock.elapsed()
    const orders = { parent: process.pid, number, instance, listen }
    const child = fork(file, args, { env: { ...process.env, ...childEnvironment(orders) }, silent: true })
    this.#process = child
    this.pid = child.pid
    const before = prefix ? `[${number}] ` : ''
    if (child.stdout !== null) copyLines(child.stdout, out, before)
    if (child.stderr !== null) copyLines(child.stderr, process.stderr, before)
    child.on('message', (message) => {
      const report = readReport(message)
      if (report === undefined) return
      this.report = { ...this.report, ...report }
      onReport(this)
    })
    this.ended = new Promise((resolve) => {
      const end = (code: number | null, how: string): void =>
        resolve({ code, how, livedMs: systemClock.elapsed() - started })
      const ended = (code: number | null, signal: NodeJS.Signals | null): void =>
        end(code, signal ?? `exit code ${code}`)
      child.on('error', ({ message }) => {
        // Also of one that could not be sent something, which has not ended.
        if (child.pid === undefined) end(null, message)
      })
      child.once('close', ended)
      child.once('exit', (code, signal) => void systemClock.sleep(lastWordsMs).then(() => ended(code, signal)))
    })
  }

  signal(name: 'SIGTERM' | 'SIGKILL'): void {
    this.isEnding = true
    this.#process.kill(name)
  }
}
