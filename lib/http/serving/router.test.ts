import fc from 'fast-check'
import { answering, near } from '../../../test/http/answering.js'
import { json } from '../answers.js'
import type { HttpError } from '../http-error.js'
import type { Route } from '../route.js'
import { Router } from './router.js'

const route = (path: string, method: Route['method'] = 'GET'): Route => ({
  method,
  path,
  access: 'open',
  handle: ({ params }) => json({ path, params }),
})

const routes = [
  route('/*'),
  route('/assets/*'),
  route('/state/:kind'),
  route('/state/:kind/:key'),
  route('/state/:kind/:key/ask/:query', 'POST'),
  route('/state/all/:key'),
  route('/quarantine/:kind/:key', 'DELETE'),
  route('/quarantine/:kind/:key', 'POST'),
]

const found = (path: string, method = 'GET'): unknown => {
  try {
    const { route: match, params } = new Router(routes).find(method, path)
    return [match.path, { ...params }]
  } catch (error) {
    return (error as HttpError).status
  }
}

describe('the router', () => {
  it.each([
    ['/state/account', ['/state/:kind', { kind: 'account' }]],
    ['/state/account/7', ['/state/:kind/:key', { kind: 'account', key: '7' }]],
    // Text says more than a name, and a name more than the rest.
    ['/state/all/7', ['/state/all/:key', { key: '7' }]],
    ['/assets/a/b.js', ['/assets/*', { '*': 'a/b.js' }]],
    ['/other', ['/*', { '*': 'other' }]],
    ['/', ['/*', { '*': '' }]],
    // A slash at the end is an empty key where there are keys, and nothing otherwise.
    ['/state/account/', ['/state/:kind/:key', { kind: 'account', key: '' }]],
    ['/state//', ['/state/:kind/:key', { kind: '', key: '' }]],
    ['/state/account/7/', ['/*', { '*': 'state/account/7/' }]],
    // Keys hold anything.
    ['/state/account/a%2Fb', ['/state/:kind/:key', { kind: 'account', key: 'a/b' }]],
    ['/state/account/%00', ['/state/:kind/:key', { kind: 'account', key: '\0' }]],
    ['/state/account/%252F', ['/state/:kind/:key', { kind: 'account', key: '%2F' }]],
    ['/state/account/%F0%9F%90%99', ['/state/:kind/:key', { kind: 'account', key: '🐙' }]],
    ['/state/__proto__/constructor', ['/state/:kind/:key', { kind: '__proto__', key: 'constructor' }]],
    ['/state/:kind/*', ['/state/:kind/:key', { kind: ':kind', key: '*' }]],
    ['/state/account/a+b', ['/state/:kind/:key', { kind: 'account', key: 'a+b' }]],
  ])('finds what answers %s', (path, expected) => {
    expect(found(path)).toEqual(expected)
  })

  it.each(['%', '%2', '%zz', '%ff', '%c3', '%ed%a0%80', '%C0%AF', 'a%'])('refuses %s, which is no UTF-8', (segment) => {
    expect(found(`/state/account/${segment}`)).toBe(400)
  })

  it('takes no slash at the end where nothing takes an empty segment', () => {
    const plain = new Router([route('/livez')])
    expect(plain.find('GET', '/livez/').route.path).toBe('/livez')
    expect(() => plain.find('GET', '/livez//')).toThrow(expect.objectContaining({ status: 404 }))
    expect(() => plain.find('GET', '/')).toThrow(expect.objectContaining({ status: 404 }))
  })

  it('says which methods a path takes, and answers HEAD where it answers GET', () => {
    expect(found('/quarantine/a/b', 'POST')).toMatchObject(['/quarantine/:kind/:key', {}])
    expect(found('/state/account', 'HEAD')).toEqual(['/state/:kind', { kind: 'account' }])
    const writes = new Router([route('/a', 'POST'), route('/a', 'DELETE')])
    expect(() => writes.find('GET', '/a')).toThrow(
      expect.objectContaining({ status: 405, headers: { allow: 'POST, DELETE' } }),
    )
    const reads = new Router([route('/a')])
    for (const method of ['POST', 'PUT', 'OPTIONS', 'BREW', '']) {
      expect(() => reads.find(method, '/a')).toThrow(
        expect.objectContaining({ status: 405, headers: { allow: 'GET, HEAD' } }),
      )
    }
  })

  it('gives back every kind and key that was percent-encoded', () => {
    const text = fc.string({ unit: 'grapheme' })
    fc.assert(
      fc.property(text, text, (kind, key) => {
        const path = `/state/${encodeURIComponent(kind)}/${encodeURIComponent(key)}`
        const { params } = new Router([route('/state/:kind/:key')]).find('GET', path)
        expect({ ...params }).toEqual({ kind, key })
      }),
    )
  })

  it('answers any path at all with a status', async () => {
    const { handler } = answering(routes.slice(2))
    const part = fc.constantFrom(
      '/',
      '%',
      '%2F',
      '%00',
      '.',
      '..',
      '?',
      '#',
      'state',
      '__proto__',
      '%e2%82',
      'é',
      '\\',
      ' ',
    )
    await fc.assert(
      fc.asyncProperty(fc.array(part), async (parts) => {
        const { status } = await handler(new Request(`http://localhost/${parts.join('')}`), near)
        expect([200, 400, 404, 405]).toContain(status)
      }),
    )
  })
})
