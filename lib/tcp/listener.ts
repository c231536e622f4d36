import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, type TLSSocket } from 'node:tls'
import { reasonOf } from '../core/errors.js'
import { placeName, type TcpPlace } from './place.js'
import { secureOptions, type TcpTls } from './tls.js'

export interface ListenerOptions {
  readonly place: Required<TcpPlace>
  readonly tls: TcpTls | undefined
  readonly handshakeTimeoutMs: number
  readonly maxClients: number
}

export interface ListenerEvents {
  client(socket: Socket, name: string): void
  refused(name: string, why: string): void
  /** It listens no more, because of this. */
  failed(error: Error): void
}

/** Resolves when it listens. Rejects with why it cannot, such as that the port is in use. */
export async function listen(options: ListenerOptions, events: ListenerEvents): Promise<Server> {
  const { place, tls, handshakeTimeoutMs, maxClients } = options
  const welcome = (socket: Socket): void => events.client(socket, nameOf(socket))
  // A client that has sent all still waits for answers; one with nothing to say is not read before there is somebody to read it.
  const common = { allowHalfOpen: true }
  const server =
    tls === undefined
      ? createServer(common, welcome)
      : createTlsServer(
          {
            ...common,
            ...secureOptions(tls),
            handshakeTimeout: handshakeTimeoutMs,
            // Not looked at afterwards: who has no certificate must not be let in by a resumed session.
            ...(tls.ca === undefined ? {} : { requestCert: true, rejectUnauthorized: true }),
          },
          welcome,
        )
  server.maxConnections = maxClients
  server.on('drop', (data) =>
    events.refused(placeName(data?.remoteAddress, data?.remotePort), `there are ${maxClients} clients already`),
  )
  if (tls !== undefined) hearHandshakes(server, events)
  const where = placeName(place.host, place.port)
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(new Error(`cannot listen on ${where}: ${reasonOf(error)}`)))
    server.listen({ ...place, exclusive: true }, resolve)
  })
  server.on('error', (error) => events.failed(new Error(`listening on ${where}: ${reasonOf(error)}`)))
  return server
}

export function placeOf(server: Server): Required<TcpPlace> {
  const { address, port } = server.address() as AddressInfo
  return { host: address, port }
}

export const nameOf = (socket: Socket): string => placeName(socket.remoteAddress, socket.remotePort)

function hearHandshakes(server: Server, events: ListenerEvents): void {
  server.on('tlsClientError', (error: Error, socket: TLSSocket) => {
    events.refused(nameOf(socket), `the TLS handshake failed: ${reasonOf(error)}`)
    socket.destroy()
  })
}
