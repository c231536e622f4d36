import { hostname } from 'node:os'
import { systemClock } from '../../core/clock.js'
import { reasonOf } from '../../core/errors.js'
import { CliError } from '../frame/exits.js'
import { onReaderGone } from '../frame/interrupts.js'
import type { Child } from './child.js'
import { Fleet } from './fleet.js'
import { Front } from './front.js'

export interface RunArguments {
  readonly processes: number
  readonly name: string | undefined
  readonly port: number | undefined
  readonly crashes: number
  readonly stopTimeout: number
  readonly prefix: boolean
}

/** Of one keystroke a process may hear twice: of the terminal, and of npm, which passes it on. */
const sameSignalMs = 1_000

/** What an instance id may hold. */
const defaultName = (): string =>
  hostname()
    .replace(/[^A-Za-z0-9._-]/g, '-')
    .slice(0, 100) || 'host'

const note = (text: string): void => void process.stderr.write(`millrace: ${text}\n`)

/** Runs processes of a program until they have ended, or a signal ends them. */
export async function runFleet(file: string, args: readonly string[], options: RunArguments): Promise<void> {
  const { processes, name = defaultName(), port, crashes, stopTimeout: stopMs, prefix } = options
  const shared = new SharedFront(port, processes, () => fleet.children)
  const onReport = (child: Child): void => void shared.listen(child)
  const fleet = new Fleet({
    file,
    args,
    processes,
    name,
    crashes,
    stopMs,
    prefix,
    listen: port !== undefined,
    note,
    onReport,
  })
  shared.onFailure = () => void fleet.stop()
  const end = hearSignals(fleet)
  let unread: string | undefined
  onReaderGone(() => {
    unread = 'what the processes say was not read any more: all of them are stopped'
    void fleet.stop()
  })
  try {
    const failure = (await fleet.run()) ?? shared.failure ?? unread
    if (failure !== undefined) throw new CliError('failed', failure)
  } finally {
    end()
    await shared.close()
  }
}

/** The first signal stops all, a later one kills them; SIGHUP restarts them one by one. */
function hearSignals(fleet: Fleet): () => void {
  let firstAt: number | undefined
  const stop = (signal: NodeJS.Signals): void => {
    if (firstAt === undefined) {
      firstAt = systemClock.elapsed()
      note(`${signal}: all processes are stopped; a second signal kills them`)
      return void fleet.stop()
    }
    if (systemClock.elapsed() - firstAt >= sameSignalMs) fleet.kill()
  }
  const restart = (): void => void fleet.restart()
  const atExit = (): void => fleet.kill()
  process.on('SIGTERM', stop).on('SIGINT', stop).on('SIGHUP', restart).on('exit', atExit)
  return () => process.off('SIGTERM', stop).off('SIGINT', stop).off('SIGHUP', restart).off('exit', atExit)
}

/** Listens where the first process says that its program wants to, or where the command line says. */
class SharedFront {
  failure: string | undefined
  onFailure: () => void = () => undefined
  readonly #port: number | undefined
  readonly #processes: number
  readonly #children: () => readonly Child[]
  #opening: Promise<Front | undefined> | undefined

  constructor(port: number | undefined, processes: number, children: () => readonly Child[]) {
    this.#port = port
    this.#processes = processes
    this.#children = children
  }

  async listen({ report }: Child): Promise<void> {
    const { url, host = '127.0.0.1', port = 0 } = report
    if (url === undefined || typeof url !== 'string') return
    this.#opening ??= this.#open(host, this.#port ?? port)
    await this.#opening
  }

  async #open(host: string, port: number): Promise<Front | undefined> {
    try {
      const front = await Front.open(host, port, this.#children, this.#processes)
      note(`${this.#processes} processes are one at ${front.url}`)
      return front
    } catch (error) {
      this.failure = `port ${port} of ${host} cannot be listened on: ${reasonOf(error)}. Choose another one with --port`
      this.onFailure()
      return undefined
    }
  }

  async close(): Promise<void> {
    await (await this.#opening)?.close()
  }
}
