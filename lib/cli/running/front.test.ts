import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Child } from './child.js'
import { Front, headersOf } from './front.js'

describe('one address for several processes', () => {
  const servers: Server[] = []
  let children: Child[]
  let front: Front

  /** What a process answers. */
  async function listening(answer: RequestListener): Promise<void> {
    const server = createServer(answer)
    servers.push(server)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    children.push({ number: children.length, report: { url } } as unknown as Child)
  }

  beforeEach(async () => {
    children = []
    front = await Front.open('127.0.0.1', 0, () => children, 2)
  })
  afterEach(async () => {
    await front.close()
    for (const server of servers.splice(0)) server.close().closeAllConnections()
  })
  const get = (path: string, options?: RequestInit): Promise<Response> => fetch(`${front.url}${path}`, options)

  it('says that nobody is there, and is live as long as they are being started', async () => {
    expect((await get('/')).status).toBe(503)
    expect((await get('/metrics')).status).toBe(503)
    expect((await get('/readyz')).status).toBe(503)
    expect((await get('/livez')).status).toBe(200)
  })

  it('passes a request on as it is, and the answer as it comes', async () => {
    await listening((request, response) => {
      response.writeHead(201, { 'x-host': request.headers.host, 'x-path': request.url })
      request.pipe(response)
    })
    const answer = await get('/state/a%2Fb?c=d', { method: 'POST', body: 'text' })
    expect([answer.status, answer.headers.get('x-path'), await answer.text()]).toEqual([
      201,
      '/state/a%2Fb?c=d',
      'text',
    ])
    expect(`http://${answer.headers.get('x-host')}`).toBe(front.url)
  })

  it('is ready while one is', async () => {
    const ready =
      (isReady: boolean): RequestListener =>
      (_request, response) =>
        response.writeHead(isReady ? 200 : 503).end(JSON.stringify({ ready: isReady }))
    await listening(ready(false))
    expect((await get('/readyz')).status).toBe(503)
    await listening(ready(true))
    const answer = await get('/readyz')
    expect(answer.status).toBe(200)
    expect(await answer.json()).toEqual({
      ready: true,
      readyProcesses: 1,
      of: 2,
      processes: [
        { process: 0, ready: false },
        { process: 1, ready: true },
      ],
    })
  })

  it('asks another process where one does not answer any more, and those first that are not to end', async () => {
    await listening((_request, response) => response.end('first'))
    await listening((_request, response) => response.end('second'))
    Object.assign(children[0] as Child, { isEnding: true })
    expect(await (await get('/')).text()).toBe('second')
    servers[1]?.close().closeAllConnections()
    expect(await (await get('/')).text()).toBe('first')
    const posted = await get('/', { method: 'POST', body: 'x' })
    expect([posted.status, await posted.json()]).toEqual([
      503,
      { error: { code: 'OWNER_AWAY', message: expect.stringContaining('the process that was asked has gone') } },
    ])
  })

  it('is not live when processes are there, and none of them answers', async () => {
    const broken: RequestListener = (_request, response) => response.destroy()
    await listening(broken)
    expect((await get('/livez')).status).toBe(200)
    await listening(broken)
    expect((await get('/livez')).status).toBe(503)
  })

  it('has metrics of all, and none for who may not see those of one', async () => {
    const metrics: RequestListener = ({ headers }, response) =>
      headers.authorization === 'Bearer x' ? response.end('a 1\n') : response.writeHead(401).end('a token is needed')
    await listening(metrics)
    await listening(metrics)
    const refused = await get('/metrics')
    expect([refused.status, await refused.text()]).toEqual([401, 'a token is needed'])
    const answer = await get('/metrics', { headers: { authorization: 'Bearer x' } })
    expect(await answer.text()).toBe('a{process="0"} 1\na{process="1"} 1\n')
  })

  it.each([
    ['127.0.0.1', {}, undefined],
    ['::1', {}, undefined],
    ['10.0.0.7', {}, '10.0.0.7'],
    ['10.0.0.7', { 'x-forwarded-for': '127.0.0.1' }, '127.0.0.1, 10.0.0.7'],
    [undefined, {}, 'unknown'],
  ])('says for whom it asks when that is not this machine: %s %j', (remoteAddress, headers, said) => {
    expect(headersOf({ headers, socket: { remoteAddress } } as never)['x-forwarded-for']).toBe(said)
  })
})
