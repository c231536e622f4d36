import { createServer } from 'node:net'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { sleep } from './waiting.js'

interface OneBroker {
  readonly startBroker: (options: { dir: string; port: number }) => Promise<string>
  readonly stopBroker: (options: { dir: string; signal?: string }) => Promise<boolean>
}

interface ThreeBrokers {
  readonly startCluster: (options: { dir: string; port: number; nodes: number }) => Promise<string>
  readonly startNode: (options: { dir: string; node: number }) => Promise<string>
  readonly killNode: (options: { dir: string; node: number }) => Promise<boolean>
  readonly stopCluster: (options: { dir: string; signal?: string }) => Promise<unknown>
  readonly portsOf: (nodes: number) => number
}

/** The scripts are JavaScript and are not compiled with this program. */
async function script<T>(name: string): Promise<T> {
  return (await import(pathToFileURL(join(process.cwd(), 'integration', 'kafka', name)).href)) as T
}

/** The brokers of a run, in a directory of its own: one, or three that replicate everything. */
export interface Brokers {
  readonly addresses: readonly string[]
  readonly nodes: readonly number[]
  /** `kill -9`. */
  kill(node: number): Promise<void>
  /** Starts one that was killed; resolves when it serves. */
  start(node: number): Promise<void>
  stop(): Promise<void>
}

export async function startBrokers(dir: string, count: 1 | 3): Promise<Brokers> {
  process.env.KAFKA_HEAP_OPTS ??= '-Xmx384m -XX:TieredStopAtLevel=1'
  return count === 1 ? startOne(dir) : startThree(dir)
}

async function startOne(dir: string): Promise<Brokers> {
  const { startBroker, stopBroker } = await script<OneBroker>('broker.mjs')
  const port = await lastingPort(2)
  const addresses = [await startBroker({ dir, port })]
  return {
    addresses,
    nodes: [1],
    async kill() {
      await stopBroker({ dir, signal: 'SIGKILL' })
    },
    async start() {
      await onceFree(() => startBroker({ dir, port }))
    },
    async stop() {
      await stopBroker({ dir, signal: 'SIGKILL' })
    },
  }
}

async function startThree(dir: string): Promise<Brokers> {
  const { startCluster, startNode, killNode, stopCluster, portsOf } = await script<ThreeBrokers>('cluster.mjs')
  const addresses = (await startCluster({ dir, port: await lastingPort(portsOf(3)), nodes: 3 })).split(',')
  return {
    addresses,
    nodes: [1, 2, 3],
    async kill(node) {
      await killNode({ dir, node })
    },
    async start(node) {
      await onceFree(() => startNode({ dir, node }))
    },
    async stop() {
      await stopCluster({ dir, signal: 'SIGKILL' })
    },
  }
}

const freePatienceMs = 10_000

/** A process that was killed counts as gone while its last threads still hold its ports. */
async function onceFree(start: () => Promise<unknown>): Promise<void> {
  for (const end = performance.now() + freePatienceMs; ; await sleep(100)) {
    try {
      await start()
      return
    } catch (error) {
      if (!/is taken/.test(String(error)) || performance.now() > end) throw error
    }
  }
}

/** Below the ports that systems give to outgoing connections: one of those could have a killed broker's port at its restart. */
const lowest = 20_000
const highest = 30_000

/** A port that is free together with the next ones, and that nobody is given by chance while its broker is down. */
async function lastingPort(together: number): Promise<number> {
  for (;;) {
    const port = lowest + Math.floor(Math.random() * (highest - lowest))
    const free = await Promise.all(Array.from({ length: together }, (_, i) => isFree(port + i)))
    if (free.every(Boolean)) return port
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  const free = await new Promise<boolean>((done) => {
    server.once('error', () => done(false))
    server.listen(port, '127.0.0.1', () => done(true))
  })
  if (free) await new Promise((done) => server.close(done))
  return free
}
