import { execFile, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const script = join('integration', 'kafka', 'kafka.mjs')

/** A broker of its own with TLS, as `npm run kafka -- start --secure` starts one. */
export interface SecureKafka {
  /** `host:port` of each listener. */
  readonly plaintext: string
  /** TLS and SASL. */
  readonly sasl: string
  /** TLS that asks for a client certificate. */
  readonly mutual: string
  /** By mechanism; `limited`, by PLAIN too, may do nothing but what ACLs say. */
  readonly users: Readonly<
    Record<'SCRAM-SHA-512' | 'PLAIN' | 'limited', { readonly username: string; readonly password: string }>
  >
  /** A PEM file: `ca.crt`, `client.crt`, `client.key`. */
  pem(file: string): string
}

/**
 * A `describe` with a secure broker, which exists only once tests run. Without java or openssl its tests are skipped and
 * stderr says so loudly; with CI=true that is a failure.
 */
export function describeWithSecureKafka(name: string, suite: (kafka: () => SecureKafka) => void): void {
  const missing = ['java -version', 'openssl version'].filter((command) => {
    const [tool, argument] = command.split(' ')
    return spawnSync(tool!, [argument!], { stdio: 'ignore' }).status !== 0
  })
  if (missing.length > 0) {
    const notice = `NOT RUN: ${name}. It needs what could not be run: ${missing.join(', ')}.`
    if (process.env.CI === 'true') throw new Error(`${notice} With CI=true that is a failure.`)
    process.stderr.write(`\n${'!'.repeat(100)}\n${notice}\n${'!'.repeat(100)}\n\n`)
  }
  const describeIfThere = missing.length === 0 ? describe : describe.skip
  describeIfThere(name, () => {
    let dir = ''
    let started: SecureKafka | undefined
    beforeAll(async () => {
      dir = mkdtempSync(join(tmpdir(), 'millrace-secure-kafka-'))
      started = await start(dir)
    }, 90_000)
    afterAll(async () => {
      await run(process.execPath, [script, 'stop', '--dir', dir])
      rmSync(dir, { recursive: true, force: true })
    }, 60_000)
    suite(() => {
      if (started === undefined) throw new Error('the broker has not been started')
      return started
    })
  })
}

async function start(dir: string): Promise<SecureKafka> {
  const { stdout } = await run(process.execPath, [script, 'start', '--secure', '--port', '0', '--dir', dir])
  const [plaintext, sasl, mutual] = stdout.trim().split('\n')
  const pem = (file: string): string => readFileSync(join(dir, 'secure', file), 'utf8')
  return { plaintext: plaintext!, sasl: sasl!, mutual: mutual!, users: JSON.parse(pem('users.json')), pem }
}
