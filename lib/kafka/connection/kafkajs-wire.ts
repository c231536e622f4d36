/**
 * What we use of kafkajs: how connections are opened, TLS, SASL, ApiVersions. Its internals are reached through the cluster it hands
 * to partition assigners; they are not in its types, so what is missing is looked for (kafkajs-shape.ts) and said clearly.
 */
import net from 'node:net'
import tls from 'node:tls'
import { Kafka, logLevel, type logCreator } from 'kafkajs'
import type { Logger } from '../../core/logger.js'
import { Exchange } from './exchange.js'
import { checkBroker, checkCluster, type Cluster, type WireBroker, type WireConnection } from './kafkajs-shape.js'
import type { Address, ConnectionOptions } from './options.js'
import { checkTls } from './tls-options.js'

export interface Wire {
  /** As every request says it. */
  readonly clientId: Uint8Array
  /** Milliseconds within which requests are answered that do not take longer by nature. */
  readonly requestTimeout: number
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
    clientId: Buffer.from(options.clientId),
    requestTimeout: options.requestTimeout,
    async broker(address) {
      checkTls(options.ssl)
      const connectionPool = await cluster.connectionPoolBuilder.build(address)
      return checkBroker(cluster.brokerPool.createBroker({ connectionPool, logger: cluster.rootLogger }))
    },
    close() {
      closed = true
      for (const socket of sockets) socket.destroy(new Error('closed'))
    },
  }
}

function captureCluster(options: ConnectionOptions, logger: Logger, opened: (socket: net.Socket) => void): Cluster {
  let captured: unknown
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
        captured = config.cluster
        return assigner
      },
    ],
  })
  return checkCluster(captured)
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
    : refusingOthers(net.connect({ host, port }, onConnect))
  socket.setNoDelay(true)
  socket.setKeepAlive(true, 60_000)
  opened(socket)
  return socket
}

/** `code` of the error of a connection without TLS to a listener that wants it, and of one to something else altogether. */
export const tlsExpected = 'TLS_EXPECTED'
export const notKafka = 'NOT_KAFKA'

/**
 * A TLS listener answers what is not TLS with an alert: record type 21, version 3.x (RFC 8446, section 5.1). As the length
 * of a Kafka response that would be 350 MB, which nobody sends; `HTTP` would be 1.2 GB.
 */
function refusingOthers(socket: net.Socket): net.Socket {
  const refuse = (what: string, code: string): void => void socket.destroy(Object.assign(new Error(what), { code }))
  return socket.once('data', (first: Buffer) => {
    if (first[0] === 0x15 && first[1] === 0x03) refuse('the listener speaks TLS', tlsExpected)
    else if (first.toString('latin1', 0, 5) === 'HTTP/') refuse('an HTTP server listens there, not Kafka', notKafka)
  })
}

/** From here on what the socket receives goes to us; the answers to what kafkajs asks, which is to authenticate again, to kafkajs. */
export function takenOver(connection: WireConnection): Exchange {
  const exchange = new Exchange(connection.socket!, connection.processData.bind(connection))
  connection.processData = (piece) => exchange.received(piece)
  connection.requestQueue.destroy() // of kafkajs's timer, every 100 ms, for the time-outs of its own requests
  return exchange
}

/** What has been asked goes before it: a broker takes nothing else while it authenticates. */
export async function authenticatedAgain(connection: WireConnection, exchange: Exchange): Promise<void> {
  exchange.flush()
  connection.requestQueue.scheduleRequestTimeoutCheck()
  await connection.authenticate()
  connection.requestQueue.destroy()
}

/** A link that is lost leaves no socket and no timer. */
export function discard({ requestQueue, socket }: WireConnection): void {
  requestQueue.destroy()
  socket?.destroy()
}

/** kafkajs looks every millisecond whether a throttled request may go, though there is none: 2-4 % of a CPU when idle. */
export function stopPolling({ requestQueue }: WireConnection): void {
  const check = requestQueue.scheduleCheckPendingRequests.bind(requestQueue)
  requestQueue.scheduleCheckPendingRequests = () => {
    if (requestQueue.pending.length > 0) check()
  }
}

/** What kafkajs calls errors are lost connections, which the channel reports in its own words. */
function logsTo(logger: Logger): logCreator {
  return () => (entry) => logger.debug({ kafkajs: entry.log }, entry.log.message)
}
