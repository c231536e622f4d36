import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'

const run = promisify(execFile)
const script = join('integration', 'components', 'connect.mjs')

/** What a connector is told, in the file that it is started with. */
export interface Connector {
  readonly name: string
  readonly config: Readonly<Record<string, string>>
}

/** A Kafka Connect worker with connectors, for a test. */
export class ConnectWorker {
  readonly #dir: string
  readonly address: string

  private constructor(dir: string, address: string) {
    this.#dir = dir
    this.address = address
  }

  /** Resolves when all tasks of the connectors run. `environment`: for `${env:NAME}` in what they are told. */
  static async start(
    brokers: readonly string[],
    connectors: readonly Connector[],
    environment: Readonly<Record<string, string>> = {},
  ): Promise<ConnectWorker> {
    const dir = mkdtempSync(join(tmpdir(), 'millrace-connect-'))
    const files = connectors.map((connector) => {
      const file = join(dir, `${connector.name}.json`)
      writeFileSync(file, JSON.stringify(connector))
      return file
    })
    const where = ['--brokers', brokers.join(','), '--port', '0', '--dir', dir]
    const env = { ...process.env, ...environment }
    const { stdout } = await run(process.execPath, [script, 'start', ...files, ...where], { env })
    return new ConnectWorker(dir, stdout.trim())
  }

  /** Of a connector's task: `RUNNING`, or what it said when it failed. */
  async task(connector: string): Promise<string> {
    const response = await fetch(`${this.address}/connectors/${connector}/status`)
    const { tasks } = (await response.json()) as { tasks: { state: string; trace?: string }[] }
    return tasks[0]?.trace ?? tasks[0]?.state ?? 'none'
  }

  /** Resolves with what `look` gives as soon as `isThere` says yes. Rejects after a minute, and when a task fails, with why. */
  async until<T>(connector: string, look: () => Promise<T>, isThere: (seen: T) => boolean): Promise<T> {
    for (let waited = 0; ; waited += 100) {
      const seen = await look()
      if (isThere(seen)) return seen
      const task = await this.task(connector)
      if (task !== 'RUNNING' || waited > 60_000) throw new Error(`${JSON.stringify(seen)}; the task: ${task}`)
      await sleep(100)
    }
  }

  async remove(): Promise<void> {
    await run(process.execPath, [script, 'stop', '--dir', this.#dir])
    rmSync(this.#dir, { recursive: true, force: true })
  }
}
