// What a Kafka broker answers on a port: a Metadata request (version 1) over a plain socket. An open port is not enough,
// because the listener opens before the broker has registered with its controller.
import { connect } from 'node:net'

/** Resolves to true when a broker on this port names at least one broker of its cluster. Never rejects. */
export async function answers(port) {
  const metadata = await metadataFrom(port)
  return metadata !== undefined && metadata.brokers.length > 0
}

/**
 * The brokers that are up, and for each partition who holds replicas, who is in sync and who leads: as the broker on this
 * port knows them, or undefined when it does not answer. Never rejects.
 */
export function metadataFrom(port, timeoutMs = 2_000) {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port })
    let received = Buffer.alloc(0)
    const end = (answer) => {
      socket.destroy()
      resolve(answer)
    }
    socket.setTimeout(timeoutMs, () => end(undefined))
    socket.on('connect', () => socket.write(metadataOfAllTopics))
    socket.on('error', () => end(undefined))
    socket.on('close', () => end(undefined))
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk])
      if (received.length >= 4 && received.length >= 4 + received.readInt32BE(0)) end(decode(received))
    })
  })
}

const metadataOfAllTopics = Buffer.from(
  // size of what follows · API key 3 (Metadata), version 1 · correlation id · no client id · null: all topics
  ['0000000e', '00030001', '00000001', 'ffff', 'ffffffff'].join(''),
  'hex',
)

/** Source: https://kafka.apache.org/protocol.html#The_Messages_Metadata */
function decode(bytes) {
  let at = 8 // behind the size and the correlation id
  const int = (size) => bytes.readIntBE((at += size) - size, size)
  const array = (read) => Array.from({ length: Math.max(int(4), 0) }, read)
  const text = () => {
    const length = Math.max(int(2), 0)
    return bytes.toString('utf8', at, (at += length))
  }
  const ids = () => array(() => int(4))
  const brokers = array(() => {
    const broker = { node: int(4), host: text(), port: int(4) }
    text() // rack
    return broker
  })
  const controller = int(4)
  const partitions = array(() => {
    int(2) // error code
    const topic = text()
    int(1) // is_internal
    return array(() => {
      int(2) // error code
      return { topic, partition: int(4), leader: int(4), replicas: ids(), inSync: ids() }
    })
  }).flat()
  return { brokers, controller, partitions }
}
