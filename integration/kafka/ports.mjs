// Ports of this machine that are free.
import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'

/**
 * A port that is free now together with the next ones. Below those that systems hand out to connections: a broker that is
 * killed must find its port free when it is started again.
 */
export async function freePort(together = 2) {
  for (;;) {
    const port = randomInt(12_000, 32_000)
    const wanted = Array.from({ length: together }, (_, i) => isFree(port + i))
    if ((await Promise.all(wanted)).every((free) => free)) return port
  }
}

/** Throws with a sentence for people when one of `count` ports from `first` on is taken. */
export async function requireFree(first, count) {
  const last = first + count - 1
  for (let wanted = first; wanted <= last; wanted++) {
    if (await isFree(wanted)) continue
    throw new Error(`port ${wanted} is taken by another program (${first} to ${last} are needed); use --port.`)
  }
}

async function isFree(port) {
  const server = createServer()
  const free = await new Promise((done) => {
    server.once('error', () => done(false))
    server.listen(port, '127.0.0.1', () => done(true))
  })
  if (free) await new Promise((done) => server.close(done))
  return free
}
