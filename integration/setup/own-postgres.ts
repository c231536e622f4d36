import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const script = join('integration', 'components', 'postgres.mjs')

/** A PostgreSQL of a test's own. */
export class OwnPostgres {
  readonly #dir: string
  readonly url: string

  private constructor(dir: string, url: string) {
    this.#dir = dir
    this.url = url
  }

  static async start(): Promise<OwnPostgres> {
    const dir = mkdtempSync(join(tmpdir(), 'millrace-postgres-'))
    return new OwnPostgres(dir, await startIn(dir, '0'))
  }

  get port(): string {
    return new URL(this.url).port
  }

  /** As a crash would end it. */
  async kill(): Promise<void> {
    await run(process.execPath, [script, 'kill', '--dir', this.#dir])
  }

  /** Starts again, with the data it had. */
  async start(): Promise<void> {
    await startIn(this.#dir, this.port)
  }

  async remove(): Promise<void> {
    await run(process.execPath, [script, 'stop', '--dir', this.#dir])
    rmSync(this.#dir, { recursive: true, force: true })
  }
}

async function startIn(dir: string, port: string): Promise<string> {
  const { stdout } = await run(process.execPath, [script, 'start', '--port', port, '--dir', dir])
  return stdout.trim()
}
