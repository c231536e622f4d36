import { get as httpGet, Agent } from 'node:http'
import { answering, HeldClock } from '../../../test/http/answering.js'
import { RawClient } from '../../../test/http/raw-client.js'
import { json } from '../answers.js'
import { eventStream, type StreamEvent } from '../event-stream.js'
import type { Call, Route } from '../route.js'
import type { HttpServer } from './http-server.js'

const get = (path: string, handle: Route['handle']): Route => ({ method: 'GET', path, access: 'read', handle })
const request = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`

async function listening(routes: readonly Route[], held?: HeldClock): Promise<HttpServer & { readonly url: string }> {
  const server = answering(routes, { port: 0 }, held === undefined ? {} : { clock: held.clock })
  await server.open()
  return server as HttpServer & { readonly url: string }
}

describe('a listener on all addresses', () => {
  it.each(['0.0.0.0', '::', '::0', '0:0:0:0:0:0:0:0', '0'])('is told of by one that leads to it: %s', async (host) => {
    const server = answering([get('/', () => json(1))], { port: 0, host, insecure: true })
    await server.open()
    const { hostname } = new URL(server.url as string)
    expect(['[::]', '0.0.0.0']).not.toContain(hostname)
    expect((await fetch(server.url as string)).status).toBe(200)
    await server.close()
  })
})

describe('a client that does not read', () => {
  it('makes nobody remember what it was not sent, and is sent away in the end', async () => {
    let made = 0
    let isOver: () => void = () => undefined
    const over = new Promise<void>((resolve) => (isOver = resolve))
    async function* flood(): AsyncGenerator<StreamEvent> {
      try {
        for (;;) yield { data: `${++made}`.repeat(65_536) }
      } finally {
        isOver()
      }
    }
    const held = new HeldClock()
    const server = await listening([get('/flood', (call) => eventStream(call, flood()))], held)
    const client = new RawClient(server.url)
    client.socket.pause()
    client.send(request('/flood'))
    await held.asleep(30_000)
    // What the sockets of both ends hold.
    expect(made).toBeLessThan(200)
    held.wake(30_000)
    await over
    client.socket.resume()
    await client.until()
    await server.close()
  })
})

describe('a stream', () => {
  async function* silent(signal: AbortSignal): AsyncGenerator<StreamEvent> {
    yield { data: 'first' }
    await new Promise((resolve) => signal.addEventListener('abort', resolve))
  }
  const calls: Call[] = []
  const route = get('/silent', (call) => {
    calls.push(call)
    return eventStream(call, silent(call.signal))
  })

  it('is over when its client has gone, behind another answer too', async () => {
    const server = await listening([route])
    const client = new RawClient(server.url).send(request('/silent') + request('/silent'))
    await client.until((got) => got.includes('first'))
    client.end()
    const aborted = calls
      .splice(0)
      .map(
        ({ signal }) =>
          new Promise<void>((resolve) =>
            signal.aborted ? resolve() : signal.addEventListener('abort', () => resolve()),
          ),
      )
    expect(aborted).toHaveLength(2)
    await Promise.all(aborted)
    await server.close()
  })

  it('ends whole when the listener closes', async () => {
    const server = await listening([route])
    const answer = await fetch(`${server.url}/silent`)
    await server.close()
    expect(await answer.text()).toBe(':\n\ndata: "first"\n\n')
  })
})

describe('a listener that closes', () => {
  it('closes connections that are kept alive', async () => {
    const server = await listening([get('/', () => json('here'))])
    const agent = new Agent({ keepAlive: true })
    await new Promise((resolve) => httpGet(server.url, { agent }, (answer) => answer.resume().on('end', resolve)))
    await server.close()
    await expect(fetch(server.url)).rejects.toThrow('fetch failed')
    agent.destroy()
  })

  it('waits for what does not end, and then does not', async () => {
    const held = new HeldClock()
    let ask: () => void = () => undefined
    const asked = new Promise<void>((resolve) => (ask = resolve))
    const headers = { 'content-length': '1' }
    const hangs = get('/', () => {
      ask()
      return new Response(new ReadableStream({ pull: () => new Promise(() => undefined) }), { headers })
    })
    const server = await listening([hangs], held)
    const client = new RawClient(server.url).send(request('/'))
    await asked
    const closed = server.close()
    await held.asleep(1_000)
    held.wake(1_000)
    await closed
    expect(await client.until()).not.toContain('\r\n\r\n')
  })

  it('closes when it has not been opened, and twice', async () => {
    const server = answering([], { port: 0 })
    await server.close()
    await server.open()
    expect(server.url).toBeUndefined()
    const other = await listening([])
    await Promise.all([other.close(), other.close()])
  })
})
