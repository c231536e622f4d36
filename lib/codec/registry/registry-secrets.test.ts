import { inspect } from 'node:util'
import { FakeRegistry } from '../../../test/fake-registry.js'
import { MillraceError } from '../../core/errors.js'
import { registryAvro } from './registry-avro.js'
import { registry } from './registry.js'
import type { RegistryOptions } from './registry-options.js'
import { topic } from '../../model/stream.js'
import { awaited, framed, never, read, Row, rowsAt } from '../../../test/registry-topics.js'

let fake: FakeRegistry
beforeEach(async () => void (fake = await FakeRegistry.start(100_000)))
afterEach(() => fake.stop())

describe('secrets', () => {
  const canary = 'canary-7f3a'

  it.each<[string, Partial<RegistryOptions>, string]>([
    ['basic', { auth: { user: 'app', password: canary } }, `Basic ${Buffer.from(`app:${canary}`).toString('base64')}`],
    ['bearer', { auth: { bearer: canary } }, `Bearer ${canary}`],
    ['bearer, asked for', { auth: { bearer: async () => canary } }, `Bearer ${canary}`],
    [
      'in the url',
      { url: `http://app:${canary}@127.0.0.1:1` },
      `Basic ${Buffer.from(`app:${canary}`).toString('base64')}`,
    ],
    ['in a header', { headers: { 'x-api-key': canary } }, ''],
  ])('are sent, and are in no error: %s', async (_, options, expected) => {
    const seen: string[] = []
    fake.intercept = (request, response) => {
      seen.push(request.headers.authorization ?? '')
      response.writeHead(422).end(JSON.stringify({ error_code: 42201, message: `no ${expected} ${canary}` }))
      return false
    }
    const url =
      options.url === undefined ? fake.url : String(options.url).replace(/127.*/, fake.url.slice('http://'.length))
    const refused = await caught(() => awaited(rowsAt(url, { ...options, url }) as never).prepare('write', never))
    expect(seen).toEqual([expected])
    expect(everything(refused)).not.toContain(canary)
    expect(everything(refused)).toContain('***')
  })

  it('are in no error of options, nor of what gives them', async () => {
    for (const url of [
      `http://app:${canary}@ /`,
      `ftp://app:${canary}@host`,
      `http://a:${canary}@host?x=1`,
      `http://a:%zz${canary}@host`,
      canary,
    ])
      expect(everything(await caught(async () => registry({ url })))).not.toContain(canary)
    for (const auth of [
      { bearer: `${canary}\n` },
      { user: `a:${canary}`, password: '' },
      canary,
      { bearer: canary, user: canary },
    ])
      expect(everything(await caught(async () => registry({ url: fake.url, auth: auth as never })))).not.toContain(
        canary,
      )
    const client = registry({ url: fake.url, auth: { bearer: () => Promise.reject(new Error(canary)) } })
    const rows = topic('rows', registryAvro(Row, { registry: client }))
    await caught(() => read(rows as never, framed(1, 'x')))
    expect(client.trouble).toMatch(/the function auth.bearer throws/)
  })

  it('are not shown by who prints a registry, or what has one', () => {
    const auth = { user: 'app', password: canary }
    const client = registry({ url: fake.url, auth, headers: { 'x-api-key': canary } })
    const codec = registryAvro(Row, { registry: client })
    for (const held of [client, registry({ url: `http://app:${canary}@host` }), codec, topic('rows', codec)]) {
      expect(inspect(held, { depth: 20, showHidden: true })).not.toContain(canary)
      expect(JSON.stringify(held)).not.toContain(canary)
    }
  })

  it('in a header of several words are in no error, whichever word it is', async () => {
    fake.intercept = (_request, response) => {
      response.writeHead(422).end(JSON.stringify({ error_code: 42201, message: `bad token '${canary}'` }))
      return false
    }
    const rows = rowsAt(fake.url, {
      headers: {
        authorization: `Bearer ${canary}`,
        'proxy-authorization': `Basic ${Buffer.from(`me:${canary}`).toString('base64')}`,
      },
    })
    const refused = await caught(() => awaited(rows as never).prepare('write', never))
    expect(everything(refused)).not.toContain(canary)
    expect(everything(refused)).toContain('***')
  })

  async function caught(work: () => Promise<unknown>): Promise<unknown> {
    try {
      await work()
    } catch (error) {
      return error
    }
    throw new Error('nothing was thrown')
  }

  function everything(error: unknown): string {
    expect(MillraceError.is(error)).toBe(true)
    const { message, stack, cause } = error as Error
    return `${message} ${stack} ${cause === undefined ? '' : everything(cause)}`
  }
})

describe('options', () => {
  it.each<[unknown, RegExp]>([
    [{}, /url is missing/],
    [{ url: [] }, /url is/],
    [{ url: 'localhost:8081' }, /url begins with 'localhost:'/],
    [{ url: 'http://h', subjects: 'x' }, /subjects is/],
    [{ url: 'http://h', timeout: 'soon' }, /timeout is/],
    [{ url: 'http://h', register: 1 }, /register is/],
    [{ url: 'http://h', headers: { 'a b': 'x' } }, /headers is/],
    [{ url: 'http://h', headers: { a: 'x\r\nb: c' } }, /headers is/],
    [{ url: 'http://h', urls: 'x' }, /there is no option 'urls'/],
    ['http://h', /in the place of options/],
  ])('%p', (options, message) => {
    expect(() => registry(options as never)).toThrow(
      expect.objectContaining({ code: 'OPTIONS_INVALID', message: expect.stringMatching(message) as string }),
    )
  })

  it('of the codec too', () => {
    expect(() => registryAvro(Row, {} as never)).toThrow(/registry is missing/)
    expect(() => registryAvro(Row, { registry: { url: 'x' } as never })).toThrow(/made with registry\(\{ url \}\)/)
    const codec = registryAvro(Row, { registry: registry({ url: fake.url }) })
    expect(() => codec.encode({ symbol: 'IBM', price: 1 })).toThrow(/belongs to a topic.*for state use avro/)
  })
})
