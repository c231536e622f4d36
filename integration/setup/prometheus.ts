import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** What `promtool` says of text on its standard input; rejects with what it finds. */
export function promtool(args: readonly string[], input = ''): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile('promtool', [...args], (error, stdout, stderr) =>
      error === null ? resolve(stdout + stderr) : reject(new Error(`promtool ${args.join(' ')}: ${stdout}${stderr}`)),
    )
    child.stdin?.end(input)
  })
}

export interface Target {
  readonly url: string
  readonly token: string
}

/** A Prometheus of its own that asks `targets` every second. */
export class Prometheus implements AsyncDisposable {
  readonly #process: ChildProcess
  readonly #folder: string
  readonly url: string

  private constructor(process: ChildProcess, folder: string, url: string) {
    this.#process = process
    this.#folder = folder
    this.url = url
  }

  static async start(targets: readonly Target[], rules: string): Promise<Prometheus> {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-prometheus-'))
    const jobs = targets.map(({ url, token }, i) => ({
      job_name: `app-${i}`,
      authorization: { credentials: token },
      static_configs: [{ targets: [new URL(url).host] }],
    }))
    // YAML takes JSON.
    const config = {
      global: { scrape_interval: '1s', evaluation_interval: '1s' },
      scrape_configs: jobs,
      rule_files: [rules],
    }
    const file = join(folder, 'prometheus.yml')
    writeFileSync(file, JSON.stringify(config))
    const address = `127.0.0.1:${await freePort()}`
    const args = [
      `--config.file=${file}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=${address}`,
    ]
    return new Prometheus(spawn('prometheus', args, { stdio: 'ignore' }), folder, `http://${address}`)
  }

  /** What its API answers, once it does. */
  async api(path: string): Promise<unknown> {
    const deadline = Date.now() + 30_000
    for (;;) {
      try {
        const answer = (await (await fetch(`${this.url}/api/v1/${path}`)).json()) as {
          status: string
          data: unknown
          error?: string
        }
        if (answer.status !== 'success') throw new Refused(answer.error)
        return answer.data
      } catch (error) {
        if (error instanceof Refused || Date.now() > deadline) throw error
        await sleep(100)
      }
    }
  }

  /** The value of an expression of one series, once there is one that `isIt`. */
  async until(expression: string, isIt: (value: number) => boolean): Promise<number> {
    const deadline = Date.now() + 30_000
    for (;;) {
      const { result } = (await this.api(`query?query=${encodeURIComponent(expression)}`)) as {
        result: readonly { value: readonly [number, string] }[]
      }
      const value = result[0] === undefined ? undefined : Number(result[0].value[1])
      if (value !== undefined && isIt(value)) return value
      if (Date.now() > deadline) throw new Error(`${expression} is ${value}`)
      await sleep(200)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = new Promise((resolve) => this.#process.once('exit', resolve))
    this.#process.kill()
    await ended
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

class Refused extends Error {}

/** One that nobody has now. */
function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })
}
