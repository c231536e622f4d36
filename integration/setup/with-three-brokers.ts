import { execFile, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const script = join('integration', 'kafka', 'kafka.mjs')

/** Three brokers of a test's own, numbered from 1 on, as `npm run kafka -- start --nodes 3` starts them. */
export interface ThreeBrokers {
  /** `host:port` of each, in the order of their numbers. */
  readonly addresses: readonly string[]
  /** `kill -9`; resolves when it is gone. */
  kill(node: number): Promise<void>
  /** Starts one again; resolves when it is in sync. */
  start(node: number): Promise<void>
}

/**
 * A `describe` with three brokers, which exist only once tests run. Without java its tests are skipped and stderr says so
 * loudly; with CI=true that is a failure.
 */
export function describeWithThreeBrokers(name: string, suite: (kafka: () => ThreeBrokers) => void): void {
  const missing = spawnSync('java', ['-version'], { stdio: 'ignore' }).status !== 0
  if (missing) {
    const notice = `NOT RUN: ${name}. It needs java 17 or later.`
    if (process.env.CI === 'true') throw new Error(`${notice} With CI=true that is a failure.`)
    process.stderr.write(`\n${'!'.repeat(100)}\n${notice}\n${'!'.repeat(100)}\n\n`)
  }
  const describeIfThere = missing ? describe.skip : describe
  describeIfThere(name, () => {
    let dir = ''
    let started: ThreeBrokers | undefined
    beforeAll(async () => {
      dir = mkdtempSync(join(tmpdir(), 'millrace-three-brokers-'))
      started = await startIn(dir)
    }, 240_000)
    afterAll(async () => {
      await run(process.execPath, [script, 'stop', '--dir', dir])
      rmSync(dir, { recursive: true, force: true })
    }, 60_000)
    suite(() => {
      if (started === undefined) throw new Error('the brokers have not been started')
      return started
    })
  })
}

async function startIn(dir: string): Promise<ThreeBrokers> {
  const kafka = async (...args: string[]): Promise<string> =>
    (await run(process.execPath, [script, ...args, '--dir', dir])).stdout.trim()
  const addresses = await kafka('start', '--nodes', '3', '--port', '0')
  return {
    addresses: addresses.split(','),
    kill: async (node) => void (await kafka('kill', '--node', String(node))),
    start: async (node) => void (await kafka('start', '--node', String(node))),
  }
}
