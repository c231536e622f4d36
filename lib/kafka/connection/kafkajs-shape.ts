/**
 * The parts of kafkajs that we use and that are not in its types, and whether they are there.
 */
import type net from 'node:net'
import { MillraceError } from '../../core/errors.js'
import type { Address } from './options.js'

export interface WireBroker {
  readonly versions: Readonly<Record<number, { readonly minVersion: number; readonly maxVersion: number }>> | null
  /** TCP, TLS, ApiVersions, SASL. */
  connect(): Promise<void>
  readonly connectionPool: { readonly pool: readonly WireConnection[] }
}

/** kafkajs's Connection: one socket. */
export interface WireConnection {
  isConnected(): boolean
  isAuthenticated(): boolean
  authenticate(): Promise<void>
  /** Is given what the socket receives. */
  processData(piece: Buffer): void
  readonly sasl: unknown
  readonly socket?: net.Socket
  readonly requestQueue: RequestQueue
}

interface RequestQueue {
  readonly pending: readonly unknown[]
  scheduleCheckPendingRequests(): void
  /** Begins to look for time-outs; until `destroy`. */
  scheduleRequestTimeoutCheck(): void
  /** Ends its timers. */
  destroy(): void
}

/** What kafkajs hands to partition assigners. */
export interface Cluster {
  readonly connectionPoolBuilder: { build(address: Address): Promise<WireBroker['connectionPool']> }
  readonly brokerPool: {
    createBroker(options: { connectionPool: WireBroker['connectionPool']; logger: unknown }): unknown
  }
  readonly rootLogger: unknown
}

const clusterMethods = ['connectionPoolBuilder.build', 'brokerPool.createBroker']
const brokerMethods = [
  'connect',
  ...['isConnected', 'isAuthenticated', 'authenticate', 'processData'].map((name) => `connectionPool.pool.0.${name}`),
  ...['scheduleCheckPendingRequests', 'scheduleRequestTimeoutCheck', 'destroy', 'pending.slice'].map(
    (name) => `connectionPool.pool.0.requestQueue.${name}`,
  ),
]

/** Throws `CLIENT_UNSUPPORTED` naming the first method that is not there. */
export function checkCluster(cluster: unknown): Cluster {
  for (const path of clusterMethods) requireMethod('cluster', cluster, path)
  return cluster as Cluster
}

/** Throws `CLIENT_UNSUPPORTED` naming the first method that is not there. */
export function checkBroker(broker: unknown): WireBroker {
  for (const path of brokerMethods) requireMethod('broker', broker, path)
  return broker as WireBroker
}

function requireMethod(what: string, whole: unknown, path: string): void {
  const method = path
    .split('.')
    .reduce<unknown>((part, name) => (part as Record<string, unknown> | null | undefined)?.[name], whole)
  if (typeof method === 'function') return
  const why = `its ${what} has no ${path}()`
  throw new MillraceError('CLIENT_UNSUPPORTED', `This kafkajs is not version 2.2.4: ${why}. Install kafkajs@2.2.4.`)
}
