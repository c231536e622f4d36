import { connect as connectPlain, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { idleClock } from '../core/clock.js'
import { reasonOf } from '../core/errors.js'
import { placeName, type TcpPlace } from './place.js'
import { secureOptions, type TcpTls } from './tls.js'

export interface ConnectOptions {
  readonly place: Required<TcpPlace>
  readonly tls: TcpTls | undefined
  readonly connectTimeoutMs: number
}

/** A connection that is ready to be written, its handshake done. Rejects with where and why not. */
export async function connect({ place, tls, connectTimeoutMs }: ConnectOptions, signal: AbortSignal): Promise<Socket> {
  const common = { ...place, allowHalfOpen: true }
  const socket = tls === undefined ? connectPlain(common) : connectTls({ ...common, ...secureOptions(tls) })
  const give = (reason: string) => (): void => void socket.destroy(new Error(reason))
  const unwanted = give('it is not wanted any more')
  const late = give(`there is no connection after ${connectTimeoutMs} ms`)
  const done = new AbortController()
  try {
    if (signal.aborted) unwanted()
    signal.addEventListener('abort', unwanted)
    void idleClock.sleep(connectTimeoutMs, done.signal).then(() => done.signal.aborted || late())
    await new Promise<void>((resolve, reject) => {
      socket.on('error', reject)
      socket.once('close', () => reject(new Error('it was closed at once')))
      socket.once(tls === undefined ? 'connect' : 'secureConnect', resolve)
    })
    return socket
  } catch (error) {
    throw new Error(`${placeName(place.host, place.port)}: ${reasonOf(error)}`, { cause: error })
  } finally {
    done.abort()
    signal.removeEventListener('abort', unwanted)
  }
}
