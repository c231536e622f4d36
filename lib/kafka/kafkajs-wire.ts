/**
 * What we use of kafkajs: sockets, framing, TLS, SASL, ApiVersions. Its internals are reached through the cluster it hands
 * to partition assigners; they are not in its types, so what is missing is found here and said clearly.
 */
import net from 'node:net'
import tls from 'node:tls'
import { Kafka, logLevel, type logCreator } from 'kafkajs'
import { MillraceError } from '../core/errors.js'
import type { Logger } from '../core/logger.js'
import type { Address, ConnectionOptions } from './options.js'

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
  send<T>(request: WireRequest<T>): Promise<T>
  readonly sasl: unknown
  readonly socket?: net.Socket
  readonly requestQueue: RequestQueue
}

interface RequestQueue {
  readonly pending: readonly unknown[]
  scheduleCheckPendingRequests(): void
}

export interface WireRequest<T> {
  readonly request: {
    readonly apiKey: number
    readonly apiVersion: number
    readonly apiName: string
    encode(): Promise<{ readonly buf: Buffer; readonly buffer: Buffer; size(): number }>
  }
  readonly response: {
    /** kafkajs holds requests back for this long (KIP-219). */
    decode(payload: Buffer): Promise<{ readonly value: T; readonly clientSideThrottleTime: number }>
    parse(decoded: { readonly value: T }): Promise<T>
  }
  readonly requestTimeout: number | null
  readonly logResponseError: boolean
}

interface Cluster {
  readonly connectionPoolBuilder: { build(address: Address): Promise<WireBroker['connectionPool']> }
  readonly brokerPool: {
    createBroker(options: { connectionPool: WireBroker['connectionPool']; logger: unknown }): WireBroker
  }
  readonly rootLogger: unknown
}

export interface Wire {
  /** A broker not yet connected, with connections of its own. */
  broker(address: Address): Promise<WireBroker>
  /** Breaks all connections at once, also those that are being made: what is in flight rejects. */
  close(): void
}

/** Throws `CLIENT_UNSUPPORTED` when this is not the kafkajs we know. */
export function openWire(options: ConnectionOptions, logger: Logger): Wire {
  const sockets = new Set<net.Socket>()
  let closed = false
  const cluster = captureCluster(options, logger, (socket) => {
    if (closed) socket.destroy(new Error('closed'))
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  return {
    async broker(address) {
      const connectionPool = await cluster.connectionPoolBuilder.build(address)
      const broker = cluster.brokerPool.createBroker({ connectionPool, logger: cluster.rootLogger })
      checkConnection(broker.connectionPool?.pool?.[0])
      return broker
    },
    close() {
      closed = true
      for (const socket of sockets) socket.destroy(new Error('closed'))
    },
  }
}

function captureCluster(options: ConnectionOptions, logger: Logger, opened: (socket: net.Socket) => void): Cluster {
  let captured: Partial<Cluster> | undefined
  const kafka = new Kafka({
    clientId: options.clientId,
    brokers: options.brokers.map(({ host, port }) => `${host}:${port}`),
    ...(options.ssl === undefined ? {} : { ssl: options.ssl }),
    ...(options.sasl === undefined ? {} : { sasl: options.sasl }),
    connectionTimeout: options.connectionTimeout,
    authenticationTimeout: options.authenticationTimeout,
    reauthenticationThreshold: options.reauthenticationThreshold,
    requestTimeout: options.requestTimeout,
    logLevel: logLevel.ERROR,
    logCreator: logsTo(logger),
    socketFactory: (request) => openSocket(request, opened),
  })
  const assigner = {
    name: 'none',
    version: 0,
    assign: async () => [],
    protocol: () => ({ name: 'none', metadata: Buffer.alloc(0) }),
  }
  kafka.consumer({
    groupId: 'unused',
    partitionAssigners: [
      (config: { cluster: unknown }) => {
        captured = config.cluster as Partial<Cluster>
        return assigner
      },
    ],
  })
  if (
    typeof captured?.connectionPoolBuilder?.build !== 'function' ||
    typeof captured.brokerPool?.createBroker !== 'function'
  ) {
    throw unsupported('its cluster has no connection pool builder')
  }
  return captured as Cluster
}

function checkConnection(connection: Partial<WireConnection> | undefined): void {
  if (typeof connection?.send === 'function' && typeof connection.isAuthenticated === 'function') return
  throw unsupported('its connection pool has no connections that send')
}

function unsupported(why: string): MillraceError {
  return new MillraceError('CLIENT_UNSUPPORTED', `This kafkajs is not version 2.2.4: ${why}. Install kafkajs@2.2.4.`)
}

/** Ours for `setNoDelay`: a commit is four small requests, and Nagle's algorithm would hold them back for 40 ms. */
function openSocket(
  {
    host,
    port,
    ssl,
    onConnect,
  }: { host: string; port: number; ssl: tls.ConnectionOptions | boolean; onConnect: () => void },
  opened: (socket: net.Socket) => void,
): net.Socket {
  const servername = net.isIP(host) === 0 ? { servername: host } : {}
  const socket = ssl
    ? tls.connect({ host, port, ...servername, ...(ssl === true ? {} : ssl) }, onConnect)
    : net.connect({ host, port }, onConnect)
  socket.setNoDelay(true)
  socket.setKeepAlive(true, 60_000)
  opened(socket)
  return socket
}

/** What kafkajs calls errors are lost connections, which the channel reports in its own words. */
function logsTo(logger: Logger): logCreator {
  return () => (entry) => logger.debug({ kafkajs: entry.log }, entry.log.message)
}
