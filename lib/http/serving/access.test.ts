import { answering, near } from '../../../test/http/answering.js'
import { json } from '../answers.js'
import type { HttpOptions } from '../options.js'
import type { HttpContext, Route } from '../route.js'

const token = 'a-token-of-enough-letters'
const routes: readonly Route[] = [
  { method: 'GET', path: '/probe', access: 'open', handle: () => json('probe') },
  { method: 'GET', path: '/read', access: 'read', handle: () => json('read') },
  { method: 'POST', path: '/write', access: 'write', handle: () => json('write') },
]

interface Case {
  readonly http?: HttpOptions
  readonly headers?: Record<string, string>
  readonly context?: HttpContext
  readonly at?: string
}

/** The status of a probe, a read and a write. */
async function statuses({ http = {}, headers = {}, context = {}, at = 'http://localhost' }: Case): Promise<string> {
  const { handler } = answering(routes, http)
  const all: number[] = []
  for (const { method, path } of routes)
    all.push((await handler(new Request(`${at}${path}`, { method, headers }), context)).status)
  return all.join(' ')
}

const bearer = { authorization: `Bearer ${token}` }
const far = { remoteAddress: '10.0.0.9' }

describe('without a token', () => {
  it.each<[string, Case, string]>([
    ['this machine may all', { context: near }, '200 200 200'],
    ['this machine may all, by IPv6', { context: { remoteAddress: '::1' }, at: 'http://[::1]:9464' }, '200 200 200'],
    ['this machine may all, by IPv4 in IPv6', { context: { remoteAddress: '::ffff:127.0.0.1' } }, '200 200 200'],
    ['another machine may nothing', { context: far }, '200 403 403'],
    ['who is not told of may nothing', {}, '200 403 403'],
    ['an address that is none may nothing', { context: { remoteAddress: 7 as never } }, '200 403 403'],
    [
      'a name that looks like this machine is none',
      { context: { remoteAddress: '127.0.0.1.example.com' } },
      '200 403 403',
    ],
    // Whoever asks a proxy on this machine may be anywhere.
    ['who comes by a proxy may nothing', { context: near, headers: { 'x-forwarded-for': '10.0.0.9' } }, '200 403 403'],
    ['who comes by a proxy may nothing', { context: near, headers: { forwarded: 'for=127.0.0.1' } }, '200 403 403'],
    // A page whose name was made to lead to this machine.
    ['a foreign name is not answered', { context: near, at: 'http://evil.example' }, '200 403 403'],
    ['a foreign name is not answered', { context: near, at: 'http://localhost.evil.example' }, '200 403 403'],
    [
      'the advertised name is',
      { http: { advertised: 'http://box:9464' }, context: near, at: 'http://box:9464' },
      '200 200 200',
    ],
    ['whoever was looked at may read', { context: { ...far, may: 'read' } }, '200 200 403'],
    ['whoever was looked at may write', { context: { ...far, may: 'write' } }, '200 200 200'],
    [
      'anybody may read where that was said',
      { http: { insecure: true }, context: far, at: 'http://box' },
      '200 200 403',
    ],
    ['a token that nobody asks for helps nothing', { headers: bearer, context: far }, '200 403 403'],
  ])('%s', async (_what, given, expected) => {
    expect(await statuses(given)).toBe(expected)
  })
})

describe('with a token', () => {
  const http = { token }
  it.each<[string, Case, string]>([
    [
      'whoever has it may all, from anywhere, by any name',
      { headers: bearer, context: far, at: 'http://box' },
      '200 200 200',
    ],
    [
      'the word before it is of any case',
      { headers: { authorization: `bearer  ${token} ` }, context: far },
      '200 200 200',
    ],
    ['this machine needs it too', { context: near }, '200 401 401'],
    ['insecure changes nothing', { http: { token, insecure: true }, context: near }, '200 401 401'],
    ['another one is none', { headers: { authorization: `Bearer ${token}x` } }, '200 401 401'],
    ['a part of it is none', { headers: { authorization: `Bearer ${token.slice(1)}` } }, '200 401 401'],
    ['nothing is none', { headers: { authorization: 'Bearer ' } }, '200 401 401'],
    ['it is no password', { headers: { authorization: `Basic ${btoa(`:${token}`)}` } }, '200 401 401'],
    ['whoever was looked at needs none', { context: { may: 'write' } }, '200 200 200'],
  ])('%s', async (_what, given, expected) => {
    expect(await statuses({ http, ...given })).toBe(expected)
  })

  it('says what is missing, and not what it is', async () => {
    const { handler } = answering(routes, http)
    const answer = await handler(new Request('http://localhost/read'))
    expect(answer.headers.get('www-authenticate')).toBe('Bearer')
    const told = await answer.text()
    expect(JSON.parse(told)).toMatchObject({
      error: { code: 'NOT_ALLOWED', message: expect.stringMatching(/authorization: Bearer/) },
    })
    expect(told).not.toContain(token)
  })
})

describe('pages of another origin', () => {
  it.each<[string, Record<string, string>, string]>([
    ['another site', { 'sec-fetch-site': 'cross-site' }, '200 200 403'],
    ['another host of the site', { 'sec-fetch-site': 'same-site' }, '200 200 403'],
    ['this origin', { 'sec-fetch-site': 'same-origin', origin: 'https://shown.example' }, '200 200 200'],
    ['a person at the address bar', { 'sec-fetch-site': 'none' }, '200 200 200'],
    ['another origin, told by an older browser', { origin: 'https://evil.example' }, '200 200 403'],
    ['another port', { origin: 'http://box:81' }, '200 200 403'],
    ['this origin, told by an older browser', { origin: 'http://box' }, '200 200 200'],
    ['this origin behind TLS', { origin: 'https://box' }, '200 200 200'],
    ['the advertised one', { origin: 'https://ops.example' }, '200 200 200'],
    ['a page without an origin', { origin: 'null' }, '200 200 403'],
    ['a file', { origin: 'file://' }, '200 200 403'],
    ['no form at all', { origin: 'evil' }, '200 200 403'],
  ])('change nothing, even with the token: %s', async (_from, headers, expected) => {
    const http = { token, advertised: 'https://ops.example' }
    expect(await statuses({ http, headers: { ...bearer, ...headers }, at: 'http://box' })).toBe(expected)
  })

  it('change nothing for whoever was looked at either', async () => {
    const headers = { 'sec-fetch-site': 'cross-site' }
    expect(await statuses({ headers, context: { may: 'write' } })).toBe('200 200 403')
  })
})
