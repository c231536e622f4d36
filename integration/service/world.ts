import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { kafkaLog, MillraceError, text, topic, type Topic } from 'millrace'
import { nextName } from '../names.js'
import { ServiceProcess } from './child.js'
import { RiskService } from './risk-service.js'
import { topicsOf, type Row } from './topics.js'

/** Long: what it waits for takes a second or two on a machine that has nothing else to do. */
const patienceMs = 90_000
export const sessionTimeoutMs = 4_000

/** The service's topics, its processes, and what it depends on; all gone after `close`, but for the topics. */
export class ServiceWorld {
  readonly app = nextName('service')
  readonly topics = topicsOf(this.app)
  readonly log: ReturnType<typeof kafkaLog>
  readonly risk: RiskService
  readonly #brokers: readonly string[]
  readonly #directory = mkdtempSync(join(tmpdir(), 'millrace-service-'))
  readonly #processes: ServiceProcess[] = []
  /** Those that are meant to end. */
  readonly #ending = new Set<ServiceProcess>()

  private constructor(brokers: readonly string[], risk: RiskService) {
    this.#brokers = brokers
    this.risk = risk
    this.log = kafkaLog({ brokers })
  }

  static async open(brokers: readonly string[]): Promise<ServiceWorld> {
    return new ServiceWorld(brokers, await RiskService.start())
  }

  /** Resolves when it runs its tasks. */
  async start(directory: string, version: number): Promise<ServiceProcess> {
    const started = new ServiceProcess(`${directory}, version ${version}`, {
      brokers: this.#brokers.join(','),
      app: this.app,
      'data-dir': join(this.#directory, directory),
      version: String(version),
      risk: this.risk.url,
      'session-timeout': `${sessionTimeoutMs}ms`,
    })
    this.#processes.push(started)
    await this.until(`${started.name} is ready`, () => started.isReady)
    return started
  }

  async kill(one: ServiceProcess): Promise<void> {
    this.#ending.add(one)
    await one.kill()
  }

  /** Its end, which must be a clean one. */
  async stop(one: ServiceProcess): Promise<void> {
    this.#ending.add(one)
    one.terminate()
    await this.until(`${one.name} has ended`, () => one.hasEnded)
    const how = await one.ended
    if (how !== '0') throw new Error(`${one.name} ended with ${how}:\n${one.errors}`)
  }

  /** Rejects when it takes too long, or a process ends that was not meant to. */
  readonly until = async (what: string, test: () => boolean | Promise<boolean>): Promise<void> => {
    const deadline = Date.now() + patienceMs
    while (!(await test())) {
      const ended = this.#processes.find((one) => one.hasEnded && !this.#ending.has(one))
      if (ended !== undefined)
        throw new Error(`${ended.name} ended by itself with ${await ended.ended}:\n${ended.errors}`)
      if (Date.now() > deadline) throw new Error(`waited for too long: ${what}\n${this.#report()}`)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }

  /** The values of a topic; none when it has not been made. */
  async values<V>(from: Topic<V>): Promise<V[]> {
    const found: V[] = []
    try {
      for await (const { value } of this.log.read(from)) if (value !== null) found.push(value)
    } catch (error) {
      if (!(error instanceof MillraceError) || error.code !== 'TOPIC_MISSING') throw error
    }
    return found
  }

  /** What each order has come to by now. */
  async rows(): Promise<Map<string, Row>> {
    return new Map((await this.values(this.topics.rows)).map((row) => [row.id, row]))
  }

  /** `<kind> <code> <what it is of>`. */
  async letters(): Promise<string[]> {
    const found: string[] = []
    for await (const { value, record } of this.log.read(topic(this.topics.letters, text()))) {
      const header = (which: string): string => Buffer.from(record.headers.get(`millrace.${which}`) ?? '').toString()
      const of = /"(?:id|order)":"([^"]+)"/.exec(value ?? '')?.[1] ?? value
      found.push(`${header('kind')} ${header('error.code')} ${of}`)
    }
    return found
  }

  get errors(): string {
    return this.#processes.map(({ errors }) => errors).join('')
  }

  #report(): string {
    return this.#processes
      .filter((one) => !one.hasEnded)
      .map(({ name, health, errors }) => `${name}: ${JSON.stringify(health)}\n${errors.slice(-2_000)}`)
      .join('\n')
  }

  async close(): Promise<void> {
    await Promise.all(this.#processes.map((one) => one.kill()))
    await this.risk.close()
    await this.log[Symbol.asyncDispose]()
    await rm(this.#directory, { recursive: true, force: true })
  }
}
