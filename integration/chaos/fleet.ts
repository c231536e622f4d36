import { join } from 'node:path'
import { OracleProcess } from '../oracle/child.js'
import type { ChaosOptions } from './options.js'
import { within } from './waiting.js'

/** Over twice of what `close()` may take. */
const stopPatienceMs = 25_000

/** One process of the app. */
export interface Instance {
  readonly name: string
  readonly seat: number
  /** Its dataDir. */
  readonly directory: string
  readonly process: OracleProcess
  readonly startedAt: number
  isFrozen: boolean
  /** It was killed or told to end. */
  isEnding: boolean
  /** It was killed: requests of it may still be on their way. */
  wasKilled: boolean
}

export interface FleetOptions {
  /** How those in a seat reach the brokers. */
  readonly brokersOf: (seat: number) => readonly string[]
  readonly app: string
  readonly chaos: ChaosOptions
  /** For the data directories and the logs of the processes. */
  readonly dir: string
  /** An instance ended by itself, or not as it should. */
  readonly onFailure: (error: Error) => void
}

/**
 * The processes of the app, living and dead. A seat is a place for one living process; it names the static member that
 * may sit there. Directories are independent of seats: any process may be given any of them.
 */
export class Fleet {
  readonly #options: FleetOptions
  readonly #all: Instance[] = []
  readonly seats: readonly number[]

  constructor(options: FleetOptions) {
    this.#options = options
    this.seats = Array.from({ length: options.chaos.instances }, (_, i) => i + 1)
  }

  /** One data directory for each seat. */
  get directories(): readonly string[] {
    return this.seats.map((seat) => this.directoryOf(seat))
  }

  directoryOf(seat: number): string {
    return join(this.#options.dir, `data-${seat}`)
  }

  /** Where a process keeps the app's state: a slot is in it for each process that shares the directory. */
  stateIn(directory: string): string {
    return join(directory, this.#options.app)
  }

  get all(): readonly Instance[] {
    return this.#all
  }

  /** Processes that should be at work; frozen ones are among them. */
  get alive(): Instance[] {
    return this.#all.filter(({ isEnding, process }) => !isEnding && !process.hasEnded)
  }

  get freeSeats(): number[] {
    const taken = new Set(this.#all.filter(({ process }) => !process.hasEnded).map(({ seat }) => seat))
    return this.seats.filter((seat) => !taken.has(seat))
  }

  isInUse(directory: string): boolean {
    return this.#all.some((one) => one.directory === directory && !one.process.hasEnded)
  }

  start(seat: number, how: { readonly directory?: string; readonly isStatic: boolean }): Instance {
    const { brokersOf, app, chaos, dir } = this.#options
    const name = `${seat}.${this.#all.length + 1}`
    const directory = how.directory ?? this.directoryOf(seat)
    const process = new OracleProcess({
      brokers: brokersOf(seat),
      app,
      dataDir: directory,
      partitions: chaos.partitions,
      commitIntervalMs: chaos.commitIntervalMs,
      sessionTimeoutMs: chaos.sessionTimeoutMs,
      statusIntervalMs: 100,
      ...(chaos.standbys === 0 ? {} : { standbyReplicas: chaos.standbys }),
      ...(chaos.trouble === 0 ? {} : { trouble: chaos.trouble }),
      logFile: join(dir, `instance-${name}.log`),
      ...(chaos.brokers === 1 ? {} : { replicationFactor: chaos.brokers }),
      ...(how.isStatic ? { instanceId: `seat-${seat}` } : {}),
    })
    const startedAt = performance.now()
    const instance = { name, seat, directory, process, startedAt, isFrozen: false, isEnding: false, wasKilled: false }
    this.#all.push(instance)
    void process.ended.then((end) => {
      if (instance.isEnding) return
      if (how.isStatic && this.#wasThrownOut(instance)) {
        this.start(seat, how)
        return
      }
      this.#options.onFailure(new Error(`instance ${name} ended by itself with ${end}:\n${tail(process.errors, 10)}`))
    })
    return instance
  }

  /**
   * A JoinGroup of its killed predecessor can reach the coordinator behind its own, and takes the static member's place. Who is
   * thrown out cannot tell that from a living process of the same name, and ends; whoever runs it starts it again, as here.
   */
  #wasThrownOut({ seat, process, name }: Instance): boolean {
    const before = this.#all.filter((one) => one.seat === seat && one.name !== name).at(-1)
    if (before?.wasKilled !== true) return false
    return process.errors.includes(`Another process is the static member seat-${seat} now`)
  }

  async kill(instance: Instance): Promise<void> {
    instance.isEnding = instance.wasKilled = true
    await within(10_000, `the end of instance ${instance.name} after kill -9`, instance.process.kill())
  }

  /** A clean stop, which must be one. */
  async stop(instance: Instance): Promise<void> {
    instance.isEnding = true
    const { name, process } = instance
    process.signal('SIGTERM')
    const how = await within(stopPatienceMs, `the end of instance ${name} after SIGTERM`, process.ended)
    // Until its program runs, the signal ends it as it ends everything.
    if (how === '0' || (how === 'SIGTERM' && !process.started)) return
    throw new Error(`instance ${name} ended with ${how} after SIGTERM:\n${tail(process.errors, 10)}`)
  }

  freeze(instance: Instance): void {
    instance.isFrozen = true
    instance.process.signal('SIGSTOP')
  }

  thaw(instance: Instance): void {
    instance.isFrozen = false
    instance.process.signal('SIGCONT')
  }

  /** At once, when the run itself ends. */
  killAll(): void {
    for (const instance of this.#all) {
      instance.isEnding = true
      if (!instance.process.hasEnded) instance.process.signal('SIGKILL')
    }
  }

  /** What the living say of themselves. */
  report(): string {
    return this.alive.map(reportOf).join('\n')
  }
}

function reportOf({ name, directory, process, startedAt, isFrozen }: Instance): string {
  const age = Math.round((performance.now() - startedAt) / 1_000)
  const status = process.last === undefined ? 'no status yet' : JSON.stringify(process.last)
  const said = tail(process.errors, 6)
  return `  ${name} (${age} s old${isFrozen ? ', frozen' : ''}, ${directory}): ${status}${said === '' ? '' : `\n${said}`}`
}

const tail = (text: string, lines: number): string =>
  text
    .trimEnd()
    .split('\n')
    .slice(-lines)
    .map((line) => (line === '' ? '' : `    ${line.slice(0, 400)}`))
    .join('\n')
