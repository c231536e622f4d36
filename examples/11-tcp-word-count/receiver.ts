import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { createInterface } from 'node:readline'

/** Hears lines on a free port, and answers each when it is dealt with. */
export async function receiver(row: (line: string) => void): Promise<{ port: number; close(): void }> {
  const server = createServer((socket) => {
    let frames = 0
    const rows = createInterface(socket).on('line', (line) => {
      row(line)
      socket.write(`ok ${++frames}\n`)
    })
    // Whoever breaks off calls again.
    for (const each of [socket, rows]) each.on('error', () => undefined)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { port: (server.address() as AddressInfo).port, close: () => void server.close() }
}
