import { answering, HeldClock } from '../../../test/http/answering.js'
import { MillraceError } from '../../core/errors.js'
import { silentLogger } from '../../core/logger.js'
import { json } from '../answers.js'
import { eventStream, type StreamEvent } from '../event-stream.js'
import { HttpError } from '../http-error.js'
import type { HttpServer } from '../node/http-server.js'
import type { Call, Route } from '../route.js'

const get = (path: string, handle: Route['handle'], access: Route['access'] = 'read'): Route => ({
  method: 'GET',
  path,
  access,
  handle,
})

const ask = (server: HttpServer, path: string, init: RequestInit = {}): Promise<Response> =>
  server.handler(new Request(`http://localhost${path}`, init), { may: 'write' })

/** A route that answers when it is told to. */
function waiting(): { route: Route; calls: Call[]; answer: (response: Response) => void } {
  const calls: Call[] = []
  let answer: (response: Response) => void = () => undefined
  const answered = new Promise<Response>((resolve) => (answer = resolve))
  const handle = async (call: Call): Promise<Response> => {
    calls.push(call)
    return (await answered).clone()
  }
  return { route: get('/wait', handle), calls, answer }
}

const probe = get('/probe', () => json('well'), 'open')

async function* forever(): AsyncGenerator<StreamEvent> {
  for (let i = 0; ; i++) yield { data: i }
}

describe('requests under way', () => {
  it('are limited; probes are answered all the same', async () => {
    const { route, answer } = waiting()
    const server = answering([route, probe])
    const all = Array.from({ length: 256 }, () => ask(server, '/wait'))
    const one = await ask(server, '/wait')
    expect([one.status, one.headers.get('retry-after')]).toEqual([503, '1'])
    expect(await one.json()).toMatchObject({ error: { code: 'OVERLOADED' } })
    expect((await ask(server, '/probe')).status).toBe(200)
    answer(json('late'))
    expect(new Set((await Promise.all(all)).map(({ status }) => status))).toEqual(new Set([200]))
    expect((await ask(server, '/wait')).status).toBe(200)
  })

  it('are given up after a minute, and told so', async () => {
    const { route, calls } = waiting()
    const held = new HeldClock()
    const server = answering([route], {}, { clock: held.clock })
    const late = ask(server, '/wait')
    held.wake(60_000)
    expect((await late).status).toBe(503)
    expect(calls[0]?.signal.aborted).toBe(true)
  })

  it('are told when who asked is gone, and forget it when they have answered', async () => {
    const { route, calls, answer } = waiting()
    const server = answering([route])
    const going = new AbortController()
    const gone = ask(server, '/wait', { signal: going.signal })
    going.abort()
    await gone
    expect(calls[0]?.signal.aborted).toBe(true)
    answer(json(1))
    const staying = new AbortController()
    expect((await ask(server, '/wait', { signal: staying.signal })).status).toBe(200)
    staying.abort()
    expect(calls[1]?.signal.aborted).toBe(false)
  })

  it('end with the app', async () => {
    const { route, calls } = waiting()
    const server = answering([route])
    const under = ask(server, '/wait')
    await server.close()
    expect((await under).status).toBe(503)
    expect(calls[0]?.signal.aborted).toBe(true)
  })
})

describe('streams', () => {
  const streams = get('/stream', (call) => eventStream(call, forever()))

  it('are limited, and make room when nobody reads them any more', async () => {
    const server = answering([streams, probe])
    const open = await Promise.all(Array.from({ length: 128 }, () => ask(server, '/stream')))
    expect((await ask(server, '/stream')).status).toBe(503)
    await open[0]?.body?.cancel()
    const another = await ask(server, '/stream')
    expect(another.status).toBe(200)
    await server.close()
  })

  it('end with the app, in the middle of what they say', async () => {
    const server = answering([streams])
    const { body } = await ask(server, '/stream')
    const reader = (body as ReadableStream<Uint8Array>).getReader()
    await reader.read()
    await server.close()
    expect((await reader.read()).done).toBe(true)
  })

  it('hold nothing when only their head is asked for', async () => {
    const server = answering([streams])
    for (let i = 0; i < 200; i++) {
      const answer = await ask(server, '/stream', { method: 'HEAD' })
      expect([answer.status, answer.body]).toEqual([200, null])
    }
  })

  it('are over when whoever asked is', async () => {
    const server = answering([streams])
    const going = new AbortController()
    const { body } = await ask(server, '/stream', { signal: going.signal })
    going.abort()
    const reader = (body as ReadableStream<Uint8Array>).getReader()
    expect((await reader.read()).done).toBe(true)
  })
})

describe('what a route throws', () => {
  const lines: string[] = []
  const logger = { ...silentLogger, warn: (_fields: object, message = '') => void lines.push(message) }
  const throwing = (error: unknown): HttpServer =>
    answering(
      [
        get('/', () => {
          throw error
        }),
      ],
      {},
      { logger },
    )

  it.each([
    [
      new MillraceError('DEFINITION_INVALID', 'no such kind', { kind: 'a' }),
      404,
      { code: 'DEFINITION_INVALID', message: 'no such kind', kind: 'a' },
    ],
    [new MillraceError('OPTIONS_INVALID', 'no such limit'), 400, { code: 'OPTIONS_INVALID', message: 'no such limit' }],
    [
      new MillraceError('KEY_ELSEWHERE', 'it is there', { kind: 'a', key: 'b', partition: 3 }),
      409,
      { code: 'KEY_ELSEWHERE', message: 'it is there', kind: 'a', key: 'b', partition: 3 },
    ],
    [new MillraceError('APP_CLOSED', 'it is over'), 503, { code: 'APP_CLOSED', message: 'it is over' }],
    [new HttpError(410, 'REQUEST_INVALID', 'it has gone'), 410, { code: 'REQUEST_INVALID', message: 'it has gone' }],
  ])('is answered by its code: %#', async (error, status, told) => {
    const answer = await ask(throwing(error), '/')
    expect([answer.status, await answer.json()]).toEqual([status, { error: told }])
    expect(lines).toEqual([])
  })

  it.each([
    [new MillraceError('STORE_FAILED', 'disk /secret is full'), 'STORE_FAILED'],
    [new Error('password=secret'), 'INTERNAL'],
    ['secret', 'INTERNAL'],
    [undefined, 'INTERNAL'],
    [Object.freeze(Object.create(null)), 'INTERNAL'],
    [Proxy.revocable({ secret: 1 }, {}).proxy, 'INTERNAL'],
  ])(
    'is logged, and no more than its code answered, where nobody outside can do anything about it',
    async (error, code) => {
      lines.length = 0
      const answer = await ask(throwing(error), '/')
      const told = await answer.text()
      expect([answer.status, JSON.parse(told)]).toMatchObject([500, { error: { code } }])
      expect(told).not.toContain('secret')
      expect(lines).toEqual([expect.stringMatching(/^a GET request could not be answered: /)])
      lines.length = 0
    },
  )
})

type Body = string | Uint8Array | ReadableStream<Uint8Array> | undefined

describe('a body', () => {
  const echo: Route = {
    method: 'POST',
    path: '/',
    access: 'write',
    handle: async ({ json: body }) => json({ body: await body() }),
  }
  const server = answering([echo])
  const sent = async (body: Body, type?: string): Promise<unknown> => {
    const headers = type === undefined ? {} : { 'content-type': type }
    const init = { method: 'POST', headers, duplex: 'half', ...(body === undefined ? {} : { body }) } as RequestInit
    const answer = await ask(server, '/', init)
    return answer.status === 200 ? await answer.json() : answer.status
  }
  const bytes = (...all: number[]): Uint8Array => Uint8Array.from(all)

  it.each<[string, Body, string | undefined, unknown]>([
    ['none', undefined, undefined, {}],
    ['an empty one', '', 'application/json', {}],
    ['JSON', '{"a":[1,"é"]}', 'application/json', { body: { a: [1, 'é'] } }],
    ['JSON, said so at length', '1', 'application/problem+json; charset=utf-8', { body: 1 }],
    ['JSON of nobody knows what', bytes(0x31), undefined, { body: 1 }],
    [
      'a key that is in every object',
      '{"__proto__":{"a":1}}',
      'application/json',
      { body: { ['__proto__']: { a: 1 } } },
    ],
    ['no JSON', '{"a":', 'application/json', 400],
    ['a form', 'a=1', 'application/x-www-form-urlencoded', 415],
    ['text', '{}', 'text/plain', 415],
    ['what only begins so', '{}', 'application/jsonp', 415],
    ['no UTF-8', bytes(0x22, 0xff, 0x22), 'application/json', 400],
    ['half a character', bytes(0x22, 0xc3, 0x22), 'application/json', 400],
    ['one as large as may be', JSON.stringify('x'.repeat(1_048_574)), 'application/json', expect.anything()],
    ['one byte more', JSON.stringify('x'.repeat(1_048_575)), 'application/json', 413],
  ])('may be: %s', async (_what, body, type, expected) => {
    expect(await sent(body, type)).toEqual(expected)
  })

  it('that does not say how long it is is cut off at the limit', async () => {
    let given = 0
    const endless = new ReadableStream<Uint8Array>({
      pull: (into) => {
        given++
        into.enqueue(new Uint8Array(65_536).fill(0x20))
      },
    })
    expect(await sent(endless, 'application/json')).toBe(413)
    expect(given).toBeLessThan(25)
  })

  it('that breaks off is no body', async () => {
    const broken = new ReadableStream<Uint8Array>({ pull: () => Promise.reject(new Error('reset')) })
    expect(await sent(broken, 'application/json')).toBe(400)
  })
})
