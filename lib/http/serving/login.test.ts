import { answering } from '../../../test/http/answering.js'
import { systemClock } from '../../core/clock.js'
import { json } from '../answers.js'
import type { HttpHandler, Route } from '../route.js'
import { loginStyleHash } from './login.js'

const token = 'a-token-of-enough-letters'
const routes: readonly Route[] = [
  { method: 'GET', path: '/', access: 'read', handle: () => json('page') },
  { method: 'GET', path: '/api/deep/in', access: 'read', handle: () => json('in') },
  { method: 'POST', path: '/write', access: 'write', handle: () => json('written') },
]

let now = systemClock.now()
const appWith = (key: string): HttpHandler =>
  answering(routes, { token: key }, { clock: { ...systemClock, now: () => now } }).handler
const handler = appWith(token)

const browser = { accept: 'text/html,application/xhtml+xml', 'sec-fetch-site': 'same-origin' }
const post = (path: string, form: Record<string, string>, headers: Record<string, string> = browser): Request =>
  new Request(`http://box${path}`, { method: 'POST', body: new URLSearchParams(form), headers })

/** The cookie as a browser sends it back. */
async function cookieFor(given: string, ask = handler): Promise<string | undefined> {
  const answer = await ask(post('/login', { token: given }))
  return answer.headers.get('set-cookie')?.split(';')[0]
}

const readsWith = async (cookie: string, ask = handler): Promise<number> =>
  (await ask(new Request('http://box/', { headers: { cookie } }))).status

describe('a browser', () => {
  it('is asked for the token where a page is opened, and programs are not', async () => {
    const page = await handler(new Request('http://box/', { headers: browser }))
    expect([page.status, page.headers.get('content-type')]).toEqual([401, 'text/html; charset=utf-8'])
    expect(await page.text()).toContain('action="login"')
    expect(page.headers.get('content-security-policy')).toContain(loginStyleHash)
    const deep = await handler(new Request('http://box/api/deep/in', { headers: browser }))
    expect(await deep.text()).toContain('action="../../login"')
    const program = await handler(new Request('http://box/', { headers: { accept: '*/*' } }))
    expect(program.headers.get('content-type')).toContain('json')
  })

  it('gets a session for the token, with which it reads and writes until it ends', async () => {
    const answer = await handler(post('/login', { token: ` ${token}\n` }))
    expect([answer.status, answer.headers.get('location')]).toEqual([303, './'])
    const set = answer.headers.get('set-cookie') as string
    expect(set).toMatch(/^millrace_session_[\w-]{8}=\S+; Max-Age=43200; HttpOnly; SameSite=Strict$/)
    expect(set).not.toContain(token)
    const cookie = set.split(';')[0] as string
    expect(await readsWith(`theme=dark; ${cookie}; other=1`)).toBe(200)
    expect((await handler(post('/write', {}, { ...browser, cookie }))).status).toBe(200)
    expect((await handler(post('/write', {}, { cookie, 'sec-fetch-site': 'cross-site' }))).status).toBe(403)
    // Another instance of the app has made none of it, and knows it.
    expect(await readsWith(cookie, appWith(token))).toBe(200)
    expect(await readsWith(cookie, appWith(`${token}-changed`))).toBe(401)
    const began = now
    now += 12 * 3_600_000
    expect(await readsWith(cookie)).toBe(401)
    now = began
  })

  it('gets none for anything else', async () => {
    for (const wrong of ['', 'x', `${token}x`, '\0', 'é'.repeat(600)]) expect(await cookieFor(wrong)).toBeUndefined()
    const answer = await handler(post('/login', { token: 'wrong' }))
    expect([answer.status, await answer.text()]).toEqual([401, expect.stringContaining('This is not the token.')])
    expect((await handler(post('/login', { token }, { origin: 'https://evil.example' }))).status).toBe(403)
    // Whoever has no token is given little room.
    const large = post('/login', { token: 'x'.repeat(5_000) })
    expect((await handler(large)).status).toBe(413)
  })

  it('has sessions of several apps on one machine, whose cookies do not know of ports', async () => {
    const other = appWith('another-token-of-an-app')
    const cookies = [await cookieFor(token), await cookieFor('another-token-of-an-app', other)]
    expect(new Set(cookies.map((cookie) => cookie?.split('=')[0])).size).toBe(2)
    expect([await readsWith(cookies.join('; ')), await readsWith(cookies.join('; '), other)]).toEqual([200, 200])
  })

  it('cannot make a session up', async () => {
    const [name, good] = ((await cookieFor(token)) as string).split('=') as [string, string]
    const [end, signature] = good.split('.') as [string, string]
    const forged = [
      '',
      '.',
      end,
      `${end}.`,
      `${Number(end) + 1}.${signature}`,
      `${end}.${'A'.repeat(43)}`,
      `${good}x`,
      `x${good}`,
    ]
    for (const each of forged) expect([each, await readsWith(`${name}=${each}`)]).toEqual([each, 401])
    expect(await readsWith(`x${name}=${good}`)).toBe(401)
  })

  it('sends the session over TLS only, where it came over TLS', async () => {
    for (const proto of ['https', 'HTTPS', 'https, http']) {
      const secure = await handler(post('/login', { token }, { ...browser, 'x-forwarded-proto': proto }))
      expect(secure.headers.get('set-cookie')).toMatch(/; Secure$/)
    }
    const plain = await handler(post('/login', { token }, { ...browser, 'x-forwarded-proto': 'http' }))
    expect(plain.headers.get('set-cookie')).not.toContain('Secure')
  })

  it('ends it', async () => {
    const answer = await handler(post('/logout', {}))
    expect([answer.status, answer.headers.get('set-cookie')]).toEqual([
      303,
      expect.stringMatching(/^millrace_session_[\w-]{8}=; Max-Age=0/),
    ])
    // Not where a page of somebody else does it for them.
    const other = await handler(post('/logout', {}, { 'sec-fetch-site': 'cross-site' }))
    expect([other.status, other.headers.get('set-cookie')]).toEqual([403, null])
  })

  it('is asked for nothing where there is no token', async () => {
    const open = answering(routes, { insecure: true }).handler
    expect((await open(post('/login', { token }))).status).toBe(404)
  })
})

describe('a handler that is mounted below a path', () => {
  it('is found there, and a page is opened with the slash behind it that its parts are found by', async () => {
    const at = { path: '/ops/millrace', may: 'read' } as const
    const ask = (path: string): Promise<Response> => handler(new Request(`http://box${path}`), at)
    expect(await (await ask('/ops/millrace/')).json()).toBe('page')
    expect(await (await ask('/ops/millrace/api/deep/in')).json()).toBe('in')
    const bare = await ask('/ops/millrace?x=1')
    expect([bare.status, bare.headers.get('location')]).toEqual([308, '/ops/millrace/?x=1'])
    expect((await ask('/ops/millraceful')).status).toBe(404)
    expect((await ask('/')).status).toBe(404)
    expect((await handler(new Request('http://box/x/'), { path: '/x/', may: 'read' })).status).toBe(200)
  })
})

describe('what is no request', () => {
  it.each([undefined, null, 7, {}, { url: '/livez', headers: {} }])('is refused: %p', async (wrong) => {
    await expect(handler(wrong as never)).rejects.toMatchObject({
      code: 'OPTIONS_INVALID',
      message: expect.stringContaining('nodeHandler(app.handler)'),
    })
  })
})
