import { execFile, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const script = join('integration', 'components', 'registry.mjs')
const jars = join('integration', 'components', 'registry', 'jars.mjs')
const serde = join('integration', 'components', 'registry', 'Serde.java')

/** A real schema registry, for a test. What it has is in its memory. */
export class SchemaRegistry {
  readonly #dir: string
  /** As `registry({ url })` takes it. */
  readonly url: string

  private constructor(dir: string, url: string) {
    this.#dir = dir
    this.url = url
  }

  static async start(): Promise<SchemaRegistry> {
    // Also those of the serialisers for Java, which the server does not need.
    await run('node', [jars])
    const dir = mkdtempSync(join(tmpdir(), 'millrace-registry-'))
    const { stdout } = await run('node', [script, 'start', '--port', '0', '--dir', dir])
    return new SchemaRegistry(dir, stdout.trim())
  }

  /** All that it had is gone. */
  async kill(): Promise<void> {
    await run('node', [script, 'kill', '--dir', this.#dir])
  }

  /** At the same address. */
  async startAgain(): Promise<void> {
    const { port } = new URL(this.url)
    await run('node', [script, 'start', '--port', port, '--dir', this.#dir])
  }

  async remove(): Promise<void> {
    await run('node', [script, 'stop', '--dir', this.#dir])
    rmSync(this.#dir, { recursive: true, force: true })
  }

  /** What it answers, as JSON. */
  async ask(method: 'GET' | 'POST' | 'PUT', path: string, body?: unknown): Promise<unknown> {
    const response = await fetch(`${this.url}${path}`, {
      method,
      headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    return response.json()
  }

  /** Values of a subject as Apicurio's deserialiser for Java gives them, in Avro's JSON. */
  async readByJava(subject: string, values: readonly Uint8Array[]): Promise<readonly unknown[]> {
    const lines = await this.#java(
      values.map((value) => Buffer.from(value).toString('hex')),
      subject,
      'read',
    )
    return lines.map((line) => JSON.parse(line) as unknown)
  }

  /** Values, in Avro's JSON, as Apicurio's serialiser for Java writes them, which registers the schema. */
  async writtenByJava(subject: string, schema: unknown, values: readonly unknown[]): Promise<readonly Buffer[]> {
    const given = values.map((value) => JSON.stringify(value))
    const lines = await this.#java(given, subject, 'write', JSON.stringify(schema))
    return lines.map((line) => Buffer.from(line, 'hex'))
  }

  async #java(given: readonly string[], ...args: readonly string[]): Promise<readonly string[]> {
    const classPath = join('.kafka', 'registry', 'serde', '*')
    const machine = ['-Xmx256m', '-XX:TieredStopAtLevel=1', '-Dorg.slf4j.simpleLogger.defaultLogLevel=error']
    const own = this.url.replace('/apis/ccompat/v7', '/apis/registry/v2')
    const java = spawn('java', [...machine, '-cp', classPath, serde, own, ...args], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    const ended = new Promise<number | null>((resolve) => java.once('close', resolve))
    java.stdin.end(given.map((line) => `${line}\n`).join(''))
    const parts: Buffer[] = []
    for await (const part of java.stdout) parts.push(part as Buffer)
    const code = await ended
    if (code !== 0) throw new Error(`java ended with ${code}`)
    return Buffer.concat(parts).toString().trimEnd().split('\n')
  }
}
