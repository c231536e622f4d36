import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

interface OneBroker {
  readonly freePort: (together?: number) => Promise<number>
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
  process.env.KAFKA_HEAP_OPTS ??= '-Xmx384m'
  return count === 1 ? startOne(dir) : startThree(dir)
}

async function startOne(dir: string): Promise<Brokers> {
  const { freePort, startBroker, stopBroker } = await script<OneBroker>('broker.mjs')
  const port = await freePort(4)
  const addresses = [await startBroker({ dir, port })]
  return {
    addresses,
    nodes: [1],
    async kill() {
      await stopBroker({ dir, signal: 'SIGKILL' })
    },
    async start() {
      await startBroker({ dir, port })
    },
    async stop() {
      await stopBroker({ dir, signal: 'SIGKILL' })
    },
  }
}

async function startThree(dir: string): Promise<Brokers> {
  const { freePort } = await script<OneBroker>('ports.mjs')
  const { startCluster, startNode, killNode, stopCluster, portsOf } = await script<ThreeBrokers>('cluster.mjs')
  const addresses = (await startCluster({ dir, port: await freePort(portsOf(3)), nodes: 3 })).split(',')
  return {
    addresses,
    nodes: [1, 2, 3],
    async kill(node) {
      await killNode({ dir, node })
    },
    async start(node) {
      await startNode({ dir, node })
    },
    async stop() {
      await stopCluster({ dir, signal: 'SIGKILL' })
    },
  }
}
