import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { kafkaLog, topic } from 'millrace'
import { z } from 'zod'
import { readAll } from '../../test/reading.js'
import type { OwnRabbitmq } from '../setup/own-rabbitmq.js'
import { Feeder } from './feeder.js'

const count = z.object({ n: z.number(), count: z.number() })

/** An app between two queues, and what can befall it. */
export class World {
  readonly #brokers: readonly string[]
  readonly #dir = mkdtempSync(join(tmpdir(), 'millrace-rabbitmq-app-'))
  readonly server: OwnRabbitmq
  readonly name: string
  readonly feeder: Feeder
  /** What has come out, by messageId, and how often. */
  readonly out = new Map<string, { readonly text: string; times: number }>()
  #app: ChildProcess | undefined

  constructor(name: string, brokers: readonly string[], server: OwnRabbitmq) {
    this.name = name
    this.#brokers = brokers
    this.server = server
    this.feeder = new Feeder(server.url, `${name}-in`)
  }

  async start(): Promise<void> {
    const program = [join('test', 'processes', 'run-ts.cjs'), join('integration', 'rabbitmq', 'app.ts')]
    const args = [this.name, this.#brokers.join(','), this.server.url, this.#dir]
    this.#app = spawn(process.execPath, [...program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
    let said = ''
    this.#app.stderr?.on('data', (data) => (said += String(data)))
    const ended = once(this.#app, 'exit').then(() => {
      throw new Error(`the app ended: ${said.slice(-2_000)}`)
    })
    ended.catch(() => undefined)
    await Promise.race([once(this.#app.stdout!, 'data'), ended])
  }

  /** Resolves when the first of them, or of those before them, come out, to the rest of the feeding. */
  async feed(count: number): Promise<{ readonly fed: Promise<void> }> {
    const before = await this.#depth()
    const fed = this.feeder.feed(count)
    while ((await this.#depth()) <= before) await sleep(5)
    return { fed }
  }

  async #depth(): Promise<number> {
    return await this.server.with(async (channel) => (await channel.checkQueue(`${this.name}-out`)).messageCount)
  }

  async killApp(): Promise<void> {
    const app = this.#app!
    const ended = once(app, 'exit')
    app.kill('SIGKILL')
    await ended
  }

  async restartServer(): Promise<void> {
    await this.server.kill()
    await this.server.start()
  }

  /** Waits until all that was fed has come out. */
  async settled(): Promise<void> {
    for (;;) {
      for (const { content, properties } of await this.server.drain(`${this.name}-out`)) {
        const id = String(properties.messageId)
        const { times } = this.out.get(id) ?? { times: 0 }
        this.out.set(id, { text: content.toString(), times: times + 1 })
      }
      if (this.out.size >= this.feeder.fed) return
      await sleep(100)
    }
  }

  /** Ids of messages in the order of their records, each as often as it was written. */
  async idsWritten(): Promise<string[]> {
    await using log = kafkaLog({ brokers: this.#brokers })
    const records = await readAll(log, topic(`${this.name}-in`, z.object({ n: z.number() })))
    return records.map(({ headers }) => headers['amqp.messageId'] ?? '')
  }

  /** What the app wrote, by the messageId under which it is to be sent. */
  async written(): Promise<Map<string, string>> {
    await using log = kafkaLog({ brokers: this.#brokers })
    const found = new Map<string, string>()
    for await (const { value, record } of log.read(topic(`${this.name}-out`, count)))
      found.set(`${record.topic}-${record.partition}-${record.offset}`, JSON.stringify(value))
    return found
  }

  async close(): Promise<void> {
    await this.killApp()
    rmSync(this.#dir, { recursive: true, force: true })
  }
}
