import { spawn, type ChildProcess } from 'node:child_process'
import type { Socket } from 'node:net'
import { basename } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { systemClock } from '../../core/clock.js'
import { MillraceError, reasonOf } from '../../core/errors.js'
import type { Logger } from '../../core/logger.js'
import { hider, secretsIn } from './secrets.js'
import { StderrLog } from './stderr-log.js'

export interface ChildOptions {
  readonly command: string
  readonly args: readonly string[]
  readonly cwd: string | undefined
  readonly env: Readonly<Record<string, string>>
  /** Texts that must not come to a log. */
  readonly secrets: readonly string[]
  /** Removed by the guard when this process dies. */
  readonly folder: string
  /** `closed` for programs that read nothing. */
  readonly stdin: 'open' | 'closed'
  readonly stopTimeoutMs: number
  readonly logger: Logger
}

export interface Exit {
  readonly isClean: boolean
  /** `ended with code 1`, with the last line of its stderr. */
  readonly how: string
}

/**
 * A program in a process group of its own, which ends with this process, however that ends. The shell leaves a guard in the group that
 * reads descriptor 3, of which we hold the other end: a line means that the rest of the group is to go, its end that we are dead.
 * Then the group has two seconds. While the guard lives its group's number cannot become another's. The shell itself becomes the program.
 */
const guarded = `
folder=$1
shift
( ( trap '' HUP INT TERM
    exec </dev/null >/dev/null 2>&1
    read -r _ <&3 || { rm -rf -- "$folder"; kill -TERM 0; sleep 2; }
    kill -KILL 0 ) & )
exec "$@" 3<&-`

/** So long what a program has left behind may keep its pipes when it has ended. */
const daemonMs = 1_000

export class Child {
  readonly name: string
  /** Takes secrets out of what it says. */
  readonly hide: (text: string) => string
  readonly #process: ChildProcess
  readonly #guard: Writable
  readonly #stopTimeoutMs: number
  readonly #exited: Promise<Exit>
  #isOver = false
  /** What is likely wrong where there is no such command. */
  #hint = ''

  constructor(options: ChildOptions) {
    const { command, args, cwd, env, folder, stdin } = options
    this.name = nameOf(command, args)
    if (/\s/.test(command)) this.#hint = " ('command' is only the program; what follows it belongs into 'args')"
    this.#stopTimeoutMs = options.stopTimeoutMs
    this.#process = spawn('/bin/sh', ['-c', guarded, 'sh', folder, command, ...args], {
      ...(cwd === undefined ? {} : { cwd }),
      env: { ...process.env, ...env },
      detached: true,
      stdio: [stdin === 'open' ? 'pipe' : 'ignore', 'pipe', 'pipe', 'pipe'],
    })
    // Told also where there is nothing to be used, and nobody hears it otherwise.
    this.#process.on('error', () => undefined)
    if ((this.#process.stdio as unknown) === undefined) throw noDescriptors(this.name)
    this.#guard = this.#process.stdio[3] as Writable
    // That nobody reads any more is said by the exit.
    for (const pipe of this.#process.stdio) pipe?.on('error', () => undefined)
    // Many programs are given theirs by the environment of this process. What is short there is a switch.
    const inherited = secretsIn(process.env).filter(({ length }) => length >= 8)
    this.hide = hider([...options.secrets, ...inherited])
    const log = new StderrLog(options.logger, { child: this.name, pid: this.#process.pid }, this.hide)
    const logged = log.read(this.#process.stderr as Readable)
    this.#exited = this.#exit(log, logged)
  }

  /** Ends after the program, since what it leaves in its group goes with it, and what has left its group is not heard. */
  get stdout(): Readable {
    return this.#process.stdout as Readable
  }

  get stdin(): Writable {
    return this.#process.stdin as Writable
  }

  /** Never rejects. */
  get exited(): Promise<Exit> {
    return this.#exited
  }

  /** For when its stdout has ended: it must end soon too, and is stopped when it does not. */
  async ended(): Promise<Exit> {
    await this.#endsWithin(this.#stopTimeoutMs)
    if (this.#isOver) return this.#exited
    await this.stop()
    return { isClean: false, how: `has closed its stdout and goes on after ${this.#stopTimeoutMs} ms` }
  }

  /** Asks it to end, and ends it when it does not. `gently`: it has been told otherwise, and has the time before it is asked. */
  async stop(how: 'ask' | 'gently' = 'ask'): Promise<Exit> {
    if (how === 'gently') await this.#endsWithin(this.#stopTimeoutMs)
    this.#signal('SIGTERM')
    await this.#endsWithin(this.#stopTimeoutMs)
    this.#signal('SIGKILL')
    return this.#exited
  }

  kill(): void {
    this.#signal('SIGKILL')
  }

  #signal(signal: NodeJS.Signals): void {
    const { pid } = this.#process
    if (this.#isOver || pid === undefined) return
    try {
      process.kill(-pid, signal)
    } catch {
      // It has ended just now.
    }
  }

  async #endsWithin(ms: number): Promise<void> {
    const over = new AbortController()
    await Promise.race([this.#exited, systemClock.sleep(ms, over.signal)])
    over.abort()
  }

  async #exit(log: StderrLog, logged: Promise<void>): Promise<Exit> {
    const exit = await new Promise<{ code: number | null; signal: string | null; error?: Error }>((resolve) => {
      this.#process.once('exit', (code, signal) => resolve({ code, signal }))
      this.#process.once('error', (error) => resolve({ code: null, signal: null, error }))
    })
    this.#isOver = true
    this.#guard.end('x\n')
    // Its last words are often the reason. A daemon that it leaves behind may keep the pipe, and is not waited for.
    if (exit.error === undefined) {
      this.#endStdout()
      const heard = new AbortController()
      await Promise.race([logged, systemClock.sleep(daemonMs, heard.signal)])
      heard.abort()
      this.#process.stderr?.destroy()
    }
    const { code, signal, error } = exit
    const said = log.last === '' ? '' : ` (it said: ${log.last})`
    const ended =
      error !== undefined
        ? `could not be started, with its 'cwd': ${reasonOf(error)}`
        : signal !== null
          ? `was ended by ${signal}`
          : code === 126 || code === 127
            ? `ended with code ${code}: there is no such command, or it cannot be run${this.#hint}`
            : `ended with code ${code}`
    return { isClean: code === 0, how: `${ended}${said}` }
  }

  /** Also where a daemon keeps the pipe: when all is read and nothing comes. */
  #endStdout(): void {
    const stdout = this.stdout as Socket
    let [quiet, before] = [0, -1]
    const stop = systemClock.every(daemonMs / 4, () => {
      if (stdout.readableEnded || stdout.destroyed) return stop()
      quiet = stdout.bytesRead === before && stdout.readableLength === 0 ? quiet + 1 : 0
      before = stdout.bytesRead
      if (quiet < 4) return
      stop()
      stdout.push(null)
    })
  }
}

const noDescriptors = (name: string): MillraceError =>
  new MillraceError('CHILD_FAILED', `${name} could not be started: this process has too many files open (EMFILE)`)

/** Of the script, where the command runs one. */
function nameOf(command: string, [script = '']: readonly string[]): string {
  return basename(/^[^-][^=]*\.[a-z]{1,4}$/.test(script) ? script : command)
}
