import { answering } from '../../../test/http/answering.js'
import { bodyIn, RawClient, statusesIn } from '../../../test/http/raw-client.js'
import { json } from '../answers.js'
import type { Route } from '../route.js'
import type { HttpServer } from './http-server.js'

const routes: readonly Route[] = [
  { method: 'GET', path: '/probe', access: 'open', handle: () => json('well') },
  { method: 'GET', path: '/state/:kind/:key', access: 'read', handle: ({ params }) => json({ ...params }) },
  { method: 'POST', path: '/echo', access: 'write', handle: async (call) => json({ body: await call.json() }) },
]

/** What came of what was sent: so many answers, or what came before the server has closed the connection. */
async function sent(url: string, text: string, answers: number): Promise<string> {
  const client = new RawClient(url).send(text)
  // What stands behind the end of a connection is not answered.
  if (answers === 1) client.socket.end()
  const got = await client.until((all) => statusesIn(all).length === answers && /\r\n\r\n[^]+$/.test(all))
  client.end()
  return got
}

/** Whether the last answer says what was wrong, if something was. What is said of `expect` is node:http's own. */
function isClear(got: string): boolean {
  const status = statusesIn(got).at(-1) as number
  if (status < 400 || status === 417) return true
  const { error } = bodyIn(got) as { readonly error?: { readonly code: unknown; readonly message: unknown } }
  return typeof error?.code === 'string' && typeof error.message === 'string'
}

describe('what comes over a connection', () => {
  let server: HttpServer
  let url: string

  beforeAll(async () => {
    server = answering(
      routes,
      { port: 0 },
      { limits: { headersTimeout: 100, requestTimeout: 200, connectionsCheckingInterval: 20 } },
    )
    await server.open()
    url = server.url as string
  })
  afterAll(() => server.close())
  /** The app goes on. */
  const goesOn = async (): Promise<boolean> => (await fetch(`${url}/probe`)).ok

  const host = 'Host: localhost\r\n'
  const get = (target: string, more = ''): string => `GET ${target} HTTP/1.1\r\n${host}${more}\r\n`
  const post = (body: string, more = ''): string =>
    `POST /echo HTTP/1.1\r\n${host}Content-Type: application/json\r\n${more}\r\n${body}`

  it.each<[string, string, number[]]>([
    ['a probe', get('/probe'), [200]],
    ['a path with a query', get('/probe?a=%&b=1'), [200]],
    ['a method it does not know', `DELETE /probe HTTP/1.1\r\n${host}\r\n`, [405]],
    ['a method nothing takes', `TRACE /probe HTTP/1.1\r\n${host}\r\n`, [405]],
    ['a method of other protocols', `PROPFIND /probe HTTP/1.1\r\n${host}\r\n`, [405]],
    ['a method there is not', `BREW /probe HTTP/1.1\r\n${host}\r\n`, [400]],
    ['asking to be a proxy', `CONNECT example.com:443 HTTP/1.1\r\n${host}\r\n`, [405]],
    ['asking what it can do', `OPTIONS * HTTP/1.1\r\n${host}\r\n`, [400]],
    ['asking for another protocol', get('/probe', 'Connection: upgrade\r\nUpgrade: websocket\r\n'), [200]],
    ['asking for HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', [400]],
    ['an expectation it does not know', post('', 'Expect: the-moon\r\nContent-Length: 0\r\n'), [417]],
    ['nothing of HTTP', 'hello\r\n\r\n', [400]],
    ['TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', [400]],
    ['no target', `GET HTTP/1.1\r\n${host}\r\n`, [400]],
    ['a target that is no path', get('probe'), [400]],
    ['an absolute target', get('http://localhost/probe'), [200]],
    ['an absolute target of somebody else', get('http://evil.example/state/a/b'), [403]],
    ['an absolute target with credentials', get('http://a:b@localhost/probe'), [400]],
    ['an absolute target without a host', get('http:///'), [400]],
    ['a path that looks like a host', get('//evil.example/probe'), [404]],
    ['a path that goes up', get('/state/../../../etc/passwd'), [404]],
    ['a path that goes up, encoded', get('/state/a/%2e%2e%2f%2e%2e'), [200]],
    ['a % at the end', get('/state/a/%'), [400]],
    ['bytes above ASCII in the path', get('/state/a/\xff\xfe'), [400]],
    ['a long URL', get(`/state/a/${'x'.repeat(9_000)}`), [414]],
    ['a NUL in a header', get('/probe', 'X: a\0b\r\n'), [400]],
    ['a header that goes on in the next line', get('/probe', 'X: a\r\n  b\r\n'), [400]],
    ['a header without a colon', get('/probe', 'X\r\n'), [400]],
    ['bytes above ASCII in a header', get('/probe', 'X: \xe9\xff\r\n'), [200]],
    ['headers that are in every object', get('/probe', '__proto__: 1\r\nconstructor: 2\r\n'), [200]],
    ['huge headers', get('/probe', `X: ${'x'.repeat(20_000)}\r\n`), [431]],
    ['very many headers', get('/probe', 'X: 1\r\n'.repeat(4_000)), [431]],
    ['no host', 'GET /probe HTTP/1.1\r\n\r\n', [400]],
    ['two hosts', get('/state/a/b', 'Host: evil.example\r\n'), [400]],
    ['a host that is none', 'GET /state/a/b HTTP/1.1\r\nHost: a/b?c\r\n\r\n', [400]],
    ['a foreign host', 'GET /state/a/b HTTP/1.1\r\nHost: evil.example\r\n\r\n', [403]],
    ['a host with credentials', 'GET /state/a/b HTTP/1.1\r\nHost: a@localhost\r\n\r\n', [400]],
    ['HTTP/1.0', 'GET /probe HTTP/1.0\r\n\r\n', [200]],
    ['HTTP/0.9', 'GET /probe\r\n', [400]],
    ['HTTP/3.7', `GET /probe HTTP/3.7\r\n${host}\r\n`, [400]],
    ['several requests at once', get('/probe') + get('/state/a/b') + get('/none'), [200, 200, 404]],
    ['a request and then nothing of HTTP', `${get('/probe')}\0\0\0\0\r\n\r\n`, [200, 400]],
    ['a body', post('{"a":1}', 'Content-Length: 7\r\n'), [200]],
    ['a body in parts', post('3\r\n{"a\r\n4\r\n":1}\r\n0\r\n\r\n', 'Transfer-Encoding: chunked\r\n'), [200]],
    ['parts that are none', post('zz\r\n{}\r\n', 'Transfer-Encoding: chunked\r\n'), [400]],
    ['a part that is longer than it says', post('1\r\n{}\r\n0\r\n\r\n', 'Transfer-Encoding: chunked\r\n'), [400]],
    ['a huge part, announced', post('fffffffffffffffff\r\n', 'Transfer-Encoding: chunked\r\n'), [400]],
    ['a body that ends too early', post('{"a', 'Content-Length: 7\r\n'), [400]],
    ['two lengths', post('{}', 'Content-Length: 2\r\nContent-Length: 3\r\n'), [400]],
    ['a length and parts', post('0\r\n\r\n', 'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n'), [400]],
    ['a negative length', post('', 'Content-Length: -1\r\n'), [400]],
    ['a length that is none', post('', 'Content-Length: 1e3\r\n'), [400]],
    ['a length beyond all numbers', post('', 'Content-Length: 99999999999999999999999\r\n'), [400]],
    ['a body that is announced too large', post('', 'Content-Length: 1048577\r\n'), [413]],
    ['a body that nobody asked for', `GET /probe HTTP/1.1\r\n${host}Content-Length: 2\r\n\r\n{}`, [200]],
    ['a page of another origin', post('{}', 'Content-Length: 2\r\nOrigin: https://evil.example\r\n'), [403]],
  ])('is answered: %s', async (_what, text, statuses) => {
    const got = await sent(url, text, statuses.length)
    expect(statusesIn(got)).toEqual(statuses)
    expect(isClear(got)).toBe(true)
    expect(await goesOn()).toBe(true)
  })

  it('is waited for so long only: a request that comes a byte at a time', async () => {
    const client = new RawClient(url).send('GET /probe HTTP/1.1\r\nX: ')
    const drip = setInterval(() => client.send('x'), 5)
    const got = await client.until()
    clearInterval(drip)
    expect(statusesIn(got)).toEqual([408])
    expect(bodyIn(got)).toMatchObject({ error: { code: 'REQUEST_INVALID' } })
  })

  it('is waited for so long only: a body that comes a byte at a time', async () => {
    const client = new RawClient(url).send(post('{"a":"', 'Content-Length: 100000\r\n'))
    const drip = setInterval(() => client.send('x'), 5)
    const got = await client.until()
    clearInterval(drip)
    expect(statusesIn(got)).toEqual([408])
  })

  it('is not read on when it is too large: the connection is closed', async () => {
    const client = new RawClient(url).send(post('', 'Transfer-Encoding: chunked\r\n'))
    const part = `10000\r\n${' '.repeat(65_536)}\r\n`
    for (let i = 0; i < 64; i++) client.send(part)
    const got = await client.until()
    expect(statusesIn(got)).toEqual([413])
    expect(got.toLowerCase()).toContain('connection: close')
  })

  it('may go away at any moment', async () => {
    const whole = post('{"a":1}', 'Content-Length: 7\r\n')
    for (let i = 0; i < whole.length; i += 7) {
      const client = new RawClient(url).send(whole.slice(0, i))
      await new Promise((resolve) => client.socket.once('connect', resolve))
      client.socket.resetAndDestroy()
    }
    expect(await goesOn()).toBe(true)
  })
})
