import { systemClock } from '../../core/clock.js'
import type { LogClient } from '../../log/client/client.js'
import type { LogPort } from '../../log/port.js'
import type { MadeApp } from '../../app/inspector.js'
import { checkAppId } from '../../model/names.js'
import { kafkaOptions } from './connection.js'
import { CliError } from './exits.js'
import { instanceAt, type Instance } from './instance.js'
import type { CommonOptions } from './options.js'
import { Output } from './output.js'
import { cliLogger, whenAway } from './reach.js'

const interruptMs = 1_000

/** One call of a command: what it was given, made when it is asked for and put away at the end. */
export class Session {
  readonly out: Output
  /** Aborts at Ctrl-C. */
  readonly signal: AbortSignal
  readonly #options: CommonOptions
  readonly #done = new AbortController()
  readonly #away: ((error: unknown) => void)[] = []
  #program: Promise<MadeApp | undefined> | undefined
  #log: Promise<LogPort & LogClient> | undefined

  constructor(options: CommonOptions, signal: AbortSignal) {
    this.out = new Output(options.json === true)
    this.signal = signal
    this.#options = options
  }

  /** The app of `--program`; undefined without one. */
  program(): Promise<MadeApp | undefined> {
    const { program, app } = this.#options
    if (program === undefined) return Promise.resolve(undefined)
    this.#program ??= import('./load-program.js').then(({ loadProgram }) => loadProgram(program, app))
    return this.#program
  }

  /** The app of `--program`, for what needs its codecs or definitions. */
  async demandProgram(): Promise<MadeApp> {
    const program = await this.program()
    if (program !== undefined) return program
    throw new CliError('usage', 'this needs your program: --program ./app.js, the file that makes the app')
  }

  /** The id of the app. */
  async app(): Promise<string> {
    const id = (await this.program())?.options.id ?? this.#options.app
    if (id === undefined) throw new CliError('usage', 'which app? Give its id with --app, or --program ./app.js')
    checkAppId(id)
    return id
  }

  /** The cluster; nothing is asked before the first use. */
  log(): Promise<LogPort & LogClient> {
    this.#log ??= this.#open()
    return this.#log
  }

  /** The running instance of `--url`; undefined without one. */
  instance(): Instance | undefined {
    const { url, token, timeout } = this.#options
    return url === undefined ? undefined : instanceAt(url, token, timeout, this.signal)
  }

  /** Does the work, until it is done or the brokers are away for too long. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    const away = new Promise<never>((_, reject) => this.#away.push(reject))
    try {
      return await Promise.race([work(), away, this.#interrupted()])
    } finally {
      this.#done.abort()
      this.out.done()
    }
  }

  /** Rejects a moment after Ctrl-C: what listens to the signal has ended by then, the rest would not. */
  async #interrupted(): Promise<never> {
    await new Promise<void>((resolve) => {
      if (this.signal.aborted) resolve()
      this.signal.addEventListener('abort', () => resolve(), { once: true })
    })
    await systemClock.sleep(interruptMs, this.#done.signal)
    throw new CliError('interrupted', 'interrupted')
  }

  async #open(): Promise<LogPort & LogClient> {
    const made = await this.program()
    const kafka = await kafkaOptions(this.#options, process.env, made?.options.kafka)
    const { log } = made?.options ?? {}
    const logger = cliLogger(this.out, this.#options.debug === true)
    const given = kafka === undefined && log?.kind === 'kafka' ? (log as LogPort & LogClient) : undefined
    if (kafka === undefined && given === undefined)
      throw new CliError(
        'usage',
        'which cluster? Give --brokers host:9092, or --config file.json, or a --program that says kafka: { brokers }',
      )
    const opened = given ?? (await import('../../kafka/kafka-log.js')).kafkaLog(kafka as never, { logger })
    whenAway(opened, this.#options.timeout, this.#done.signal).catch((error: unknown) => {
      for (const reject of this.#away) reject(error)
    })
    return opened
  }
}
