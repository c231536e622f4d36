import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import fastify from 'fastify'
import { Hono } from 'hono'
import { nodeHandler, type HttpHandler } from 'millrace'
import { eventStream, type StreamEvent } from '../../lib/http/event-stream.js'
import { json } from '../../lib/http/answers.js'
import type { Route } from '../../lib/http/route.js'
import { answering } from './answering.js'
import { RawClient, statusesIn } from './raw-client.js'

const token = 'a-token-of-enough-letters'

interface Mounted {
  /** Where the handler is mounted. */
  readonly url: string
  close(): Promise<unknown>
}

async function listening(server: Server, path: string): Promise<Mounted> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  return { url: `http://127.0.0.1:${port}${path}`, close }
}

/** As in docs/http.md. */
const frameworks: Readonly<Record<string, (handler: HttpHandler) => Promise<Mounted>>> = {
  'node:http': (handler) => listening(createServer(nodeHandler(handler)), ''),

  'node:http below a path': (handler) =>
    listening(createServer(nodeHandler(handler, { path: '/ops/millrace' })), '/ops/millrace'),

  Express: (handler) => listening(createServer(express().use('/millrace', nodeHandler(handler))), '/millrace'),

  'Express, in a router of a router': (handler) => {
    const inner = express.Router().use('/millrace', nodeHandler(handler))
    return listening(createServer(express().use('/ops', inner)), '/ops/millrace')
  },

  async Fastify(handler) {
    const server = fastify({ forceCloseConnections: true })
    const answer = nodeHandler(handler, { path: '/millrace' })
    await server.register(async (scope) => {
      // Bodies are left to the handler.
      scope.removeAllContentTypeParsers()
      scope.addContentTypeParser('*', (_request, _body, done) => done(null))
      scope.all('/millrace/*', (request, reply) => {
        reply.hijack()
        answer(request.raw, reply.raw)
      })
    })
    const url = await server.listen({ port: 0, host: '127.0.0.1' })
    return { url: `${url}/millrace`, close: () => server.close() }
  },

  Hono(handler) {
    const app = new Hono().all('/millrace/*', (c) => handler(c.req.raw, { path: '/millrace' }))
    return listening(createServer(nodeHandler(async (request) => app.fetch(request))), '/millrace')
  },

  'Hono, mounted': (handler) => {
    const app = new Hono().mount('/millrace', (request: Request) => handler(request))
    return listening(createServer(nodeHandler(async (request) => app.fetch(request))), '/millrace')
  },

  'route handlers as Next has them': (handler) => {
    // In app/api/millrace/[[...path]]/route.ts
    const GET = (request: Request): Promise<Response> => handler(request, { path: '/api/millrace' })
    const routes: Readonly<Record<string, typeof GET>> = { GET, HEAD: GET, POST: GET }
    const next: HttpHandler = async (request) => (routes[request.method] ?? GET)(request)
    return listening(createServer(nodeHandler(next)), '/api/millrace')
  },
}

describe.each(Object.keys(frameworks))('in %s', (name) => {
  /** Of each stream that was opened: aborts when it is over. */
  const streams: AbortSignal[] = []
  const routes: readonly Route[] = [
    { method: 'GET', path: '/livez', access: 'open', handle: () => json({ live: true }) },
    {
      method: 'GET',
      path: '/state/:kind/:key',
      access: 'read',
      handle: ({ params, query }) => json({ ...params, q: query.get('q') }),
    },
    { method: 'POST', path: '/ask', access: 'write', handle: async (call) => json({ body: await call.json() }) },
    {
      method: 'GET',
      path: '/watch',
      access: 'read',
      handle: (call) => {
        streams.push(call.signal)
        return eventStream(call, changes(call.signal))
      },
    },
  ]
  async function* changes(signal: AbortSignal): AsyncGenerator<StreamEvent> {
    yield { id: '1', data: 'first' }
    await new Promise((resolve) => signal.addEventListener('abort', resolve))
  }

  const server = answering(routes, { token })
  let mounted: Mounted
  const ask = (path: string, init: RequestInit = {}): Promise<Response> => {
    const headers = new Headers(init.headers)
    headers.set('authorization', `Bearer ${token}`)
    return fetch(`${mounted.url}${path}`, { ...init, headers })
  }
  const below = (path: string): string => new URL(`${mounted.url}${path}`).pathname
  const posted = (body: string): RequestInit => ({
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json' },
  })

  beforeAll(async () => {
    mounted = await (frameworks[name] as (handler: HttpHandler) => Promise<Mounted>)(server.handler)
  })
  afterAll(async () => {
    await server.close()
    await mounted.close()
  })

  it('probes are answered, and HEAD as GET', async () => {
    const probe = await fetch(`${mounted.url}/livez`)
    expect([probe.status, await probe.json()]).toEqual([200, { live: true }])
    const head = await fetch(`${mounted.url}/livez`, { method: 'HEAD' })
    expect([head.status, await head.text()]).toEqual([200, ''])
  })

  it('paths keep what is encoded in them, and their query', async () => {
    const answer = await ask('/state/account/a%2Fb%20%F0%9F%90%99?q=1%262')
    expect(await answer.json()).toEqual({ kind: 'account', key: 'a/b 🐙', q: '1&2' })
    expect(await (await ask('/state/account/')).json()).toMatchObject({ kind: 'account', key: '' })
  })

  it('bodies reach the handler, and what is too large does not', async () => {
    expect(await (await ask('/ask', posted('{"a":["é"]}'))).json()).toEqual({ body: { a: ['é'] } })
    const large = await ask('/ask', posted(JSON.stringify('x'.repeat(1_100_000)))).catch(
      (error: unknown) => error as Error,
    )
    // A client that still writes may see the connection end before it reads why.
    expect(large instanceof Response ? large.status : 413).toBe(413)
    expect((await ask('/ask', posted('{'))).status).toBe(400)
  })

  it('errors are the handler’s, and so is who may ask', async () => {
    const none = await ask('/none')
    expect([none.status, await none.json()]).toMatchObject([404, { error: { code: 'REQUEST_INVALID' } }])
    const closed = await fetch(`${mounted.url}/state/account/a`)
    expect([closed.status, await closed.json()]).toMatchObject([401, { error: { code: 'NOT_ALLOWED' } }])
    expect(closed.headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
    const foreign = await ask('/ask', { ...posted('1'), headers: { origin: 'https://evil.example' } })
    expect(foreign.status).toBe(403)
  })

  /** The stream that was opened last is over. */
  const over = async (): Promise<boolean> => {
    const signal = streams.pop() as AbortSignal
    if (!signal.aborted) await once(signal, 'abort')
    return signal.aborted
  }

  it('streams come as they are, and end when their client ends them', async () => {
    const going = new AbortController()
    const answer = await ask('/watch', { signal: going.signal })
    expect(answer.headers.get('content-type')).toBe('text/event-stream')
    const reader = answer.body?.getReader()
    let got = ''
    while (!got.includes('first')) got += Buffer.from((await reader?.read())?.value ?? []).toString()
    expect(got).toBe(':\n\nid: 1\ndata: "first"\n\n')
    going.abort()
    expect(await over()).toBe(true)
  })

  it('streams end when their client is cut off', async () => {
    const client = new RawClient(mounted.url).send(
      `GET ${below('/watch')} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\n\r\n`,
    )
    expect(statusesIn(await client.until((got) => got.includes('first')))).toEqual([200])
    client.socket.resetAndDestroy()
    expect(await over()).toBe(true)
  })

  it('a client that goes away in the middle of a body harms nobody', async () => {
    const client = new RawClient(mounted.url).send(
      `POST ${below('/ask')} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"a`,
    )
    await once(client.socket, 'connect')
    client.socket.resetAndDestroy()
    expect((await fetch(`${mounted.url}/livez`)).status).toBe(200)
  })
})

describe('a body that somebody else has read', () => {
  const echo: Route = {
    method: 'POST',
    path: '/',
    access: 'open',
    handle: async (call) => json({ body: await call.json() }),
  }
  const { handler } = answering([echo])

  it('is told of, where Express parses bodies before', async () => {
    const server = await listening(createServer(express().use(express.json()).use(nodeHandler(handler))), '')
    const init = { method: 'POST', body: '{"a":1}', headers: { 'content-type': 'application/json' } }
    const answer = await fetch(server.url, init)
    expect([answer.status, await answer.json()]).toMatchObject([
      400,
      { error: { message: expect.stringContaining('before what reads bodies') } },
    ])
    await server.close()
  })

  it('is told of, where a route handler has', async () => {
    const request = new Request('http://localhost/', {
      method: 'POST',
      body: '{"a":1}',
      headers: { 'content-type': 'application/json' },
    })
    await request.text()
    const answer = await handler(request)
    expect([answer.status, await answer.json()]).toMatchObject([
      400,
      { error: { message: expect.stringContaining('unread') } },
    ])
  })
})
