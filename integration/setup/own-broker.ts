import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { TopicPartition } from '../../lib/core/record.js'

const run = promisify(execFile)
const script = join('integration', 'kafka', 'kafka.mjs')

/** A one-node broker that a test may stop, freeze and kill. */
export class OwnBroker {
  readonly #dir: string
  readonly #version: string | undefined
  readonly address: string

  private constructor(dir: string, address: string, version: string | undefined) {
    this.#dir = dir
    this.address = address
    this.#version = version
  }

  /** Of a version of Kafka, such as 3.9.1; of that in pom.xml when none is named. */
  static async start(version?: string): Promise<OwnBroker> {
    const dir = mkdtempSync(join(tmpdir(), 'millrace-own-broker-'))
    return new OwnBroker(dir, await startIn(dir, '0', version), version)
  }

  /** Starts again, with the data it had. */
  async start(): Promise<void> {
    await startIn(this.#dir, this.address.split(':')[1]!, this.#version)
  }

  async kill(): Promise<void> {
    const pid = this.#pid
    process.kill(pid, 'SIGKILL')
    while (isThere(pid)) await new Promise((resolve) => setTimeout(resolve, 20))
  }

  /** It keeps its connections and does nothing more. */
  freeze(): void {
    process.kill(this.#pid, 'SIGSTOP')
  }

  thaw(): void {
    process.kill(this.#pid, 'SIGCONT')
  }

  /** Changes a text in what it has stored of a partition, as a bad disk would. Both are of the same length. */
  damage({ topic, partition }: TopicPartition, text: string, damaged: string): void {
    const log = join(this.#dir, 'data', `${topic}-${partition}`, '00000000000000000000.log')
    const bytes = readFileSync(log)
    const at = bytes.indexOf(text)
    if (at < 0) throw new Error(`${text} is not in ${log}`)
    bytes.write(damaged, at)
    writeFileSync(log, bytes)
  }

  async remove(): Promise<void> {
    this.thaw()
    await run(process.execPath, [script, 'stop', '--dir', this.#dir])
    rmSync(this.#dir, { recursive: true, force: true })
  }

  get #pid(): number {
    return (JSON.parse(readFileSync(join(this.#dir, 'broker.json'), 'utf8')) as { pid: number }).pid
  }
}

async function startIn(dir: string, port: string, version?: string): Promise<string> {
  // Started often: with the first compiler alone it takes 2.6 s of CPU until it answers instead of 3.8.
  const env = { ...process.env, KAFKA_HEAP_OPTS: '-Xmx384m -XX:TieredStopAtLevel=1' }
  if (version !== undefined) Object.assign(env, { KAFKA_VERSION: version })
  const { stdout } = await run(process.execPath, [script, 'start', '--port', port, '--dir', dir], { env })
  return stdout.trim()
}

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
