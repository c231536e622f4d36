import net from 'node:net'
import tls from 'node:tls'
import { Reader } from '../wire/reader.js'
import { Writer } from '../wire/writer.js'
import type { Address, ConnectionOptions } from './options.js'

/** A listener that is there answers at once. */
const probeMs = 1_000

/**
 * Why connections to a listener are closed without a word, when that follows from the options: it speaks plaintext where TLS
 * was tried, or asks for SASL that is not set. Undefined when nothing says so; then the broker may only be away. Asked with
 * requests that such a listener answers and others do not.
 */
export async function listenerMisfit(
  address: Address,
  { ssl, sasl }: Pick<ConnectionOptions, 'ssl' | 'sasl'>,
): Promise<string | undefined> {
  const usesTls = ssl !== undefined && ssl !== false
  if (usesTls && (await ask(plain(address), apiVersions, 4)) !== undefined)
    return 'the listener speaks plaintext, not TLS: leave out the option ssl, or name the TLS listener'
  if (sasl !== undefined) return undefined
  const answer = await ask(usesTls ? secure(address, ssl) : plain(address), saslHandshake, 6)
  const reader = answer === undefined ? undefined : new Reader(answer, false)
  if (reader?.int16() !== unsupportedSaslMechanism) return undefined
  const mechanisms = reader.array(() => reader.string()).join(', ')
  return `the listener asks for SASL (${mechanisms}): set the option sasl, or name a listener without it`
}

const plain = ({ host, port }: Address): net.Socket => net.connect({ host, port })

function secure({ host, port }: Address, ssl: ConnectionOptions['ssl']): net.Socket {
  const servername = net.isIP(host) === 0 ? { servername: host } : {}
  return tls.connect({ host, port, ...servername, ...(typeof ssl === 'object' ? ssl : {}) })
}

/** What a listener says of a mechanism that there is not, when it asks for SASL; else it says ILLEGAL_SASL_STATE. */
const unsupportedSaslMechanism = 33
const correlationId = 0x6d72
const largestAnswer = 100_000

const request = (apiKey: number, version: number, body: (writer: Writer) => Writer): Buffer => {
  const content = body(new Writer(false).int16(apiKey).int16(version).int32(correlationId).string('millrace')).finish()
  return new Writer(false).int32(content.length).raw(content).finish()
}

/** Source: https://kafka.apache.org/protocol.html#protocol_api_keys */
const apiVersions = request(18, 0, (writer) => writer)
const saslHandshake = request(17, 1, (writer) => writer.string('which-do-you-offer'))

/** The body of the answer, when a broker gives one; its beginning of so many bytes at least. */
function ask(socket: net.Socket, bytes: Buffer, least: number): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    let received = Buffer.alloc(0)
    const end = (answer?: Buffer): void => {
      clearTimeout(timer)
      socket.destroy()
      resolve(answer)
    }
    const timer = setTimeout(end, probeMs)
    socket.on('error', () => end())
    socket.on('close', () => end())
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk])
      if (received.length < 8 + least) return
      const size = received.readInt32BE(0)
      if (size < 4 + least || size > largestAnswer || received.readInt32BE(4) !== correlationId) return end()
      if (received.length >= 4 + size) end(received.subarray(8))
    })
    socket.write(bytes)
  })
}
