import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { connect, type Channel, type GetMessage } from 'amqplib'

const run = promisify(execFile)
const script = join('integration', 'components', 'rabbitmq.mjs')

/** A RabbitMQ server that a test may kill, start again and command. */
export class OwnRabbitmq {
  readonly #dir: string
  readonly url: string

  private constructor(dir: string, url: string) {
    this.#dir = dir
    this.url = url
  }

  static async start(): Promise<OwnRabbitmq> {
    const dir = mkdtempSync(join(tmpdir(), 'millrace-rabbitmq-'))
    return new OwnRabbitmq(dir, await command('start', dir))
  }

  /** Starts again, with the data it had. */
  async start(): Promise<void> {
    await command('start', this.#dir)
  }

  async kill(): Promise<void> {
    await command('kill', this.#dir)
  }

  /** It keeps its connections and does nothing more. */
  freeze(): void {
    process.kill(this.#pid, 'SIGSTOP')
  }

  thaw(): void {
    process.kill(this.#pid, 'SIGCONT')
  }

  get #pid(): number {
    return Number(readFileSync(join(this.#dir, 'pid'), 'utf8'))
  }

  /** `rabbitmqctl`. */
  async ctl(...words: readonly string[]): Promise<string> {
    return await command('ctl', this.#dir, ...words)
  }

  async remove(): Promise<void> {
    await command('stop', this.#dir)
    rmSync(this.#dir, { recursive: true, force: true })
  }

  /** Does something over a connection of its own. */
  async with<T>(action: (channel: Channel) => Promise<T>): Promise<T> {
    const connection = await connect(this.url)
    try {
      return await action(await connection.createChannel())
    } finally {
      await connection.close()
    }
  }

  async declare(...queues: readonly string[]): Promise<void> {
    await this.with(async (channel) => {
      for (const queue of queues) await channel.assertQueue(queue)
    })
    await this.synced()
  }

  /** Waits until queues that were made are on disk: one that was made in the last seconds does not outlive a kill -9. */
  async synced(): Promise<void> {
    await this.ctl('eval', 'mnesia:sync_log().')
  }

  /** Takes all messages out of a queue. */
  async drain(queue: string): Promise<GetMessage[]> {
    return await this.with(async (channel) => {
      const messages: GetMessage[] = []
      for (;;) {
        const message = await channel.get(queue, { noAck: true })
        if (message === false) return messages
        messages.push(message)
      }
    })
  }
}

async function command(name: string, dir: string, ...words: readonly string[]): Promise<string> {
  const { stdout } = await run(process.execPath, [script, name, '--dir', dir, '--', ...words])
  return stdout.trim()
}
