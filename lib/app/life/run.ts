import { constants } from 'node:os'
import { idleClock, systemClock } from '../../core/clock.js'
import { duration, rule, type Rules } from '../../core/options.js'
import type { Duration } from '../../core/duration.js'
import type { Logger } from '../../core/logger.js'

/** By which processes are asked to end. */
export type StopSignal = 'SIGTERM' | 'SIGINT' | 'SIGHUP' | 'SIGQUIT' | 'SIGUSR2' | 'SIGBREAK'

const stopSignals: readonly StopSignal[] = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR2', 'SIGBREAK']

export interface RunOptions {
  /** What stops the app; a worker thread gets no signals. @default ['SIGTERM', 'SIGINT'] */
  readonly signals?: readonly StopSignal[]
  /** How long what was begun may take to end, as of `close`. @default '10s' */
  readonly timeout?: Duration
}

export const runOptions: Rules<RunOptions> = {
  signals: rule(
    `a list of ${stopSignals.join(', ')}`,
    (value) => Array.isArray(value) && value.length > 0 && value.every((one) => stopSignals.includes(one as never)),
  ),
  timeout: duration,
}

/** What is run. */
export interface Runnable {
  start(): Promise<void>
  close(options: { readonly timeout?: Duration }): Promise<void>
  closed(): Promise<void>
}

/** Of one keystroke a process may hear twice: of the terminal, and of npm, which passes it on. */
const sameSignalMs = 1_000
/** A supervisor that has asked a process to end does not wait for ever. */
const lingerMs = 5_000

/** Apps of this process that run. */
let running = 0

/** See `App.run`. */
export async function run(app: Runnable, options: RunOptions, logger: Logger, hasParent = false): Promise<void> {
  const signals = new Signals(options.signals ?? ['SIGTERM', 'SIGINT'], hasParent, (signal) => {
    logger.info({ signal }, `${signal}: the app closes; a second signal ends the process at once`)
    void app.close(options.timeout === undefined ? {} : { timeout: options.timeout })
  })
  running++
  try {
    signals.hear()
    // What prevents the start is what `closed` rejects with.
    app.start().catch(() => undefined)
    await app.closed()
  } catch (error) {
    // Also when somebody catches it to log it: a supervisor is to see that the app did not end well.
    if (Number(process.exitCode ?? 0) === 0) process.exitCode = 1
    throw error
  } finally {
    signals.stop()
    running--
  }
  // The last of several apps in a program: the others have what they began to end, too.
  if (running === 0 && signals.first !== undefined) void endAfterAll(signals.first, logger)
}

/** Hears the first of the signals, and ends the process with the second. */
class Signals {
  first: StopSignal | undefined
  readonly #names: readonly StopSignal[]
  readonly #hasParent: boolean
  readonly #onFirst: (signal: StopSignal) => void
  #at = 0

  /** `hasParent`: it ends when its parent has gone, as if that had sent it a signal. */
  constructor(names: readonly StopSignal[], hasParent: boolean, onFirst: (signal: StopSignal) => void) {
    // Some systems know fewer.
    this.#names = names.filter((name) => name in constants.signals)
    this.#onFirst = onFirst
    this.#hasParent = hasParent
  }

  hear(): void {
    for (const name of this.#names) process.on(name, this.#hear)
    if (!this.#hasParent) return
    process.on('disconnect', this.#orphaned)
    // It may have gone while the program did something else first.
    if (process.connected === false) this.#orphaned()
  }

  stop(): void {
    for (const name of this.#names) process.off(name, this.#hear)
    process.off('disconnect', this.#orphaned)
  }

  readonly #orphaned = (): void => this.#hear('SIGTERM')

  readonly #hear = (name: StopSignal): void => {
    const now = systemClock.elapsed()
    if (this.first === undefined) {
      this.first = name
      this.#at = now
      return this.#onFirst(name)
    }
    if (now - this.#at < sameSignalMs) return
    // As shells say it of who was ended by a signal.
    process.exit(128 + (constants.signals[name as keyof typeof constants.signals] ?? 0))
  }
}

/** Nothing of the app keeps the process alive any more; what does is the program's own, and it has had time to end it. */
async function endAfterAll(signal: StopSignal, logger: Logger): Promise<void> {
  await idleClock.sleep(lingerMs)
  const what = process.getActiveResourcesInfo().join(', ')
  const todo = 'Close what the program has open itself, such as a server, when run() has resolved'
  logger.warn(
    { signal },
    `the app was closed ${lingerMs / 1_000} s ago, and the process is still there, kept by ${what}: it is ended now. ${todo}.`,
  )
  process.stderr.write('', () => process.exit())
}
