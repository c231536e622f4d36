import { FakeRegistry } from '../../../test/fake-registry.js'
import { avroSchema } from '../avro/avro-schema.js'
import { avro } from '../avro/avro.js'
import { registryAvro } from './registry-avro.js'
import { registry } from './registry.js'
import type { RegistryOptions } from './registry-options.js'
import { topic } from '../../model/stream.js'
import { awaited, framed, never, read, Row, rowsAt } from '../../../test/registry-topics.js'

let fake: FakeRegistry
beforeEach(async () => void (fake = await FakeRegistry.start(100_000)))
afterEach(() => fake.stop())

describe('what the registry says no to', () => {
  it.each<[string, Partial<RegistryOptions>, () => void, string, RegExp]>([
    [
      'an incompatible schema',
      {},
      () => void (fake.incompatible = true),
      'SCHEMA_REFUSED',
      /^topic 'rows', its value: subject 'rows-value': .* not compatible .*READER_FIELD_MISSING: qty.*Give added fields a default/,
    ],
    [
      'a schema that is not there',
      { register: false },
      () => undefined,
      'SCHEMA_REFUSED',
      /does not have the schema that this app writes \(it has none\), and register is false/,
    ],
    [
      'credentials',
      {},
      () => status(401, '{"error_code":401,"message":"no"}'),
      'REGISTRY_REFUSED',
      /refuses the credentials.*see auth/,
    ],
    ['permission', {}, () => status(403, ''), 'REGISTRY_REFUSED', /refuses the credentials/],
    [
      'a page',
      {},
      () => status(200, '<html>sign in</html>', { 'content-type': 'text/html' }),
      'REGISTRY_REFUSED',
      /no answer of a schema registry, but text\/html with status 200/,
    ],
    [
      'another path',
      {},
      () => status(404, '{"error_code":404,"message":"HTTP 404 Not Found"}'),
      'REGISTRY_REFUSED',
      /is the url right/,
    ],
    ['nothing', {}, () => status(200, ''), 'REGISTRY_REFUSED', /no answer of a schema registry/],
    ['an answer without an id', {}, () => status(200, '{"id":"x"}'), 'REGISTRY_REFUSED', /no id in it/],
    ['an id that is none', {}, () => status(200, '{"id":-1}'), 'REGISTRY_REFUSED', /no id in it/],
    [
      'a redirect',
      {},
      () => status(302, '', { location: 'https://user:canary@sso.example/login?token=canary' }),
      'REGISTRY_REFUSED',
      /redirects to https:\/\/sso.example: give/,
    ],
    [
      'a schema',
      {},
      () => status(422, '{"error_code":42201,"message":"Invalid Avro schema"}'),
      'REGISTRY_REFUSED',
      /Invalid Avro schema \(42201\)/,
    ],
  ])('%s', async (_, options, arrange, code, message) => {
    arrange()
    await expect(awaited(rowsAt(fake.url, options) as never).prepare('write', never)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message) as string,
    })
  })

  it('an answer without end', async () => {
    fake.intercept = (_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' })
      const more = (): void =>
        void (response.write('x'.repeat(1 << 20)) ? setImmediate(more) : response.once('drain', more))
      more()
      return false
    }
    await expect(awaited(rowsAt(fake.url) as never).prepare('write', never)).rejects.toThrow(/more than 16 MiB/)
  })

  function status(code: number, body: string, headers: Record<string, string> = {}): void {
    fake.intercept = (_, response) => {
      response.writeHead(code, headers).end(body)
      return false
    }
  }
})

describe('a registry that is away', () => {
  it.each([500, 503, 429, 408, 'hang up', 'silent'] as const)('is asked again: %s', async (how) => {
    let left = 2
    fake.intercept = (request, response) => {
      if (left-- <= 0) return true
      if (how === 'hang up') request.socket.destroy()
      else if (how !== 'silent') response.writeHead(how, { 'retry-after': '0.01' }).end('<html>')
      return false
    }
    const rows = rowsAt(fake.url, { timeout: '100ms' })
    await awaited(rows as never).prepare('write', never)
    expect(rows.codec.encode({ symbol: 'IBM', price: 1 })).toHaveLength(17)
  })

  it('is told of, and no longer when it is back', async () => {
    await fake.stop()
    const client = registry({ url: fake.url })
    const rows = topic('rows', registryAvro(Row, { registry: client }))
    const bytes = framed(fake.add('rows-value', avroSchema(Row)), avro(Row).encode({ symbol: 'IBM', price: 1 }))
    await expect(read(rows as never, bytes)).rejects.toThrow(/has not been asked for yet/)
    expect(client.trouble).toMatch(
      /asked again and again, for schema 100000: http:\/\/127.0.0.1:\d+ cannot be reached \(ECONNREFUSED\)/,
    )
    await fake.start()
    expect(await read(rows as never, bytes)).toEqual({ symbol: 'IBM', price: 1 })
    expect(client.trouble).toBeUndefined()
  })

  it('is left alone when nobody waits any more', async () => {
    await fake.stop()
    const leaving = new AbortController()
    const prepared = awaited(rowsAt(fake.url) as never).prepare('write', leaving.signal)
    leaving.abort()
    await expect(prepared).resolves.toBeUndefined()
    await fake.start()
  })

  it('has another url', async () => {
    const other = await FakeRegistry.start(7)
    try {
      await fake.stop()
      const rows = rowsAt([fake.url, other.url])
      await awaited(rows as never).prepare('write', never)
      expect(Buffer.from(rows.codec.encode({ symbol: 'IBM', price: 1 })).readInt32BE(1)).toBe(7)
      await fake.start()
    } finally {
      await other.stop()
    }
  })
})
