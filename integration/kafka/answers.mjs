// Whether a Kafka broker answers on a port: a Metadata request (version 1) over a plain socket. An open port is not
// enough, because the listener opens before the broker has registered with its controller.
import { connect } from 'node:net'

const metadataV1 = Buffer.from(
  // size of what follows · API key 3 (Metadata), version 1 · correlation id · no client id · no topics
  ['0000000e', '00030001', '00000001', 'ffff', '00000000'].join(''),
  'hex',
)

/** Resolves to true when a broker on this port names at least one broker of its cluster. Never rejects. */
export function answers(port, timeoutMs = 2_000) {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port })
    let received = Buffer.alloc(0)
    const end = (answer) => {
      socket.destroy()
      resolve(answer)
    }
    socket.setTimeout(timeoutMs, () => end(false))
    socket.on('connect', () => socket.write(metadataV1))
    socket.on('error', () => end(false))
    socket.on('close', () => end(false))
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk])
      // Size, correlation id, number of brokers.
      if (received.length >= 12) end(received.readInt32BE(4) === 1 && received.readInt32BE(8) > 0)
    })
  })
}
