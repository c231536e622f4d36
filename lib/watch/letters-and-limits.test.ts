import { z } from 'zod'
import type { App } from '../app/app.js'
import { createApp } from '../app/create-app.js'
import { memoryLog } from '../app/logs.js'
import { silentLogger } from '../core/logger.js'
import { stateObject } from '../model/state-object.js'
import { topic } from '../model/stream.js'
import type { LetterPage } from './overview/shapes.js'

const orders = topic('orders', z.object({ id: z.string(), n: z.number() }))
const raw = topic('orders', z.unknown())
const order = stateObject('order', { state: z.object({ n: z.number() }), init: () => ({ n: 0 }) }).on(
  orders,
  { key: ({ id }) => id, onError: { attempts: 1 } },
  (state, { n }) => {
    if (n < 0) throw new Error(`negative ${n}`)
    state.n += n
  },
)

const remoteAddress = '127.0.0.1'

async function ask(app: App, path: string, init?: RequestInit): Promise<{ status: number; body: any }> {
  const response = await app.handler(new Request(`http://localhost${path}`, init), { remoteAddress })
  return { status: response.status, body: await response.json() }
}

const post = (app: App, path: string, body: unknown, headers: Record<string, string> = {}) =>
  ask(app, path, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json', ...headers },
  })

const appOn = (log: ReturnType<typeof memoryLog>): App =>
  createApp({ id: 'shop', objects: [order], log, createTopics: true, logger: silentLogger })

describe('dead letters as the page asks for them', () => {
  it('are replayed once, also when two ask for it at the same time', async () => {
    const log = memoryLog({ partitions: 3 })
    await using app = appOn(log)
    await app.start()
    await log.send(
      orders,
      Array.from({ length: 30 }, (_, i) => ({ id: `o${i % 20}`, n: -1 - i })),
    )
    await app.drained()
    const both = await Promise.all([1, 2].map(() => post(app, '/api/letters/replay', {})))
    const [won, ...others] = both.filter(({ status }) => status === 200)
    expect([won?.body.replayed, others]).toEqual([30, []])
    expect(both.find(({ status }) => status !== 200)).toMatchObject({
      status: 409,
      body: { error: { code: 'FENCED' } },
    })
  })

  it('come by when they were written, not by the time of their records', async () => {
    const log = memoryLog({ partitions: 1 })
    await using app = appOn(log)
    await app.start()
    const started = Date.now()
    for (const [n, timestamp] of [5, 2, 9].entries()) {
      await log.send(orders, [{ id: `o${n}`, n: -1 }], { timestamp: () => Date.UTC(2020, 0, timestamp) })
      await app.drained()
    }
    const { letters } = (await ask(app, '/api/letters')).body as LetterPage
    expect(letters.map(({ key }) => key)).toEqual(['o2', 'o1', 'o0'])
    expect(letters.every(({ at }) => at >= started)).toBe(true)
  })

  it('come latest first, page by page, each once', async () => {
    const log = memoryLog({ partitions: 3 })
    await using app = appOn(log)
    await app.start()
    const count = 137
    await log.send(
      orders,
      Array.from({ length: count }, (_, i) => ({ id: `o${i % 20}`, n: -1 - i })),
    )
    await app.drained()
    const seen: string[] = []
    let before: string | undefined
    let pages = 0
    do {
      const query = before === undefined ? '' : `&before=${before}`
      const { body } = await ask(app, `/api/letters?limit=10${query}`)
      const page = body as LetterPage
      seen.push(...page.letters.map(({ partition, offset }) => `${partition}@${offset}`))
      before = page.next
      pages++
    } while (before !== undefined)
    expect(new Set(seen).size).toBe(count)
    expect(seen).toHaveLength(count)
    expect(pages).toBe(14)
    const { body: ofOne } = await ask(app, '/api/letters?kind=order&key=o7&limit=100')
    expect((ofOne as LetterPage).letters.map(({ key, number }) => [key, number])).toEqual(
      [7, 6, 5, 4, 3, 2, 1].map((number) => ['o7', number]),
    )
    const { body: first } = await ask(app, '/api/letters?code=HANDLER_FAILED&limit=100')
    expect((first as LetterPage).letters).toHaveLength(20)
  })

  it('without an object are open until they are dropped', async () => {
    const log = memoryLog({ partitions: 2 })
    await using app = appOn(log)
    await app.start()
    await log.send(raw, ['no order', { id: 'a', n: 1 }, 'nor this'])
    await app.drained()
    const { body } = await ask(app, '/api/letters')
    const { letters } = body as LetterPage
    expect(letters.map(({ code, kind, status }) => [code, kind, status])).toEqual([
      ['VALUE_INVALID', undefined, 'open'],
      ['VALUE_INVALID', undefined, 'open'],
    ])
    const { partition, offset } = letters[0] as LetterPage['letters'][number]
    const which = { letter: { partition, offset } }
    expect(await post(app, '/api/letters/replay', { only: which })).toMatchObject({
      body: { replayed: 0, leftInAll: 1 },
    })
    expect(await post(app, '/api/letters/drop', { which, reason: 'a test' })).toMatchObject({ body: { dropped: 1 } })
    const after = (await ask(app, '/api/letters')).body as LetterPage
    expect(after.letters.map(({ status, note }) => [status, note])).toEqual([
      ['done', 'dropped: a test'],
      ['open', undefined],
    ])
  })

  it('are none where there is no topic yet', async () => {
    const app = appOn(memoryLog())
    expect(await ask(app, '/api/letters')).toEqual({ status: 200, body: { topic: 'shop-dlq', letters: [] } })
    await app.close()
  })
})

describe('requests that are wrong', () => {
  const log = memoryLog()
  const app = appOn(log)
  beforeAll(() => app.start())
  afterAll(() => app.close())

  it.each([
    ['/api/objects', 400, 'kind is missing'],
    ['/api/objects?kind=none', 404, "'none' is no kind"],
    ['/api/objects?kind=order&limit=many', 400, 'limit'],
    ['/api/objects?kind=order&limit=501', 400, 'limit'],
    ['/api/objects?kind=order&limit=-1', 400, 'limit'],
    ['/api/objects?kind=order&colour=red', 400, "no option 'colour'"],
    ['/api/object?kind=order', 400, 'key is missing'],
    ['/api/object?kind=__proto__&key=a', 404, 'is no kind'],
    ['/api/letters?before=x', 400, 'before'],
    ['/api/letters?limit=1e3', 400, 'limit'],
    ['/api/letter?partition=0', 400, 'offset is missing'],
    ['/api/letter?partition=0&offset=12345', 404, 'is no dead letter'],
    ['/api/letter?partition=99&offset=0', 404, 'is no dead letter'],
    ['/api/letter?partition=0&offset=99999999999999999999', 400, 'offset'],
    ['/api/none', 404, ''],
  ])('GET %s is answered with %d', async (path, status, what) => {
    const { status: found, body } = await ask(app, path)
    expect([found, body.error.message]).toEqual([status, expect.stringContaining(what)])
  })

  it.each([
    ['/api/release', {}, 400],
    ['/api/release', { kind: 'none', key: 'a' }, 404],
    ['/api/release', { kind: 'order', key: 7 }, 400],
    ['/api/release', { kind: 'order', key: 'a', force: true }, 400],
    ['/api/release', null, 400],
    ['/api/release', [], 400],
    ['/api/letters/replay', { only: 'all' }, 400],
    ['/api/letters/replay', { only: { colour: 'red' } }, 400],
    ['/api/letters/replay', { only: { letter: { partition: -1, offset: 0 } } }, 400],
    ['/api/letters/drop', { reason: 'no' }, 400],
    ['/api/letters/drop', { which: { kind: 'order' } }, 400],
    ['/api/letters/drop', { which: {}, reason: 'all of them' }, 400],
    ['/api/letters/standing', { objects: Array.from({ length: 501 }, () => ({ kind: 'order', key: 'a' })) }, 400],
    ['/api/letters/standing', { objects: [{ kind: 'order' }] }, 400],
  ])('POST %s with %j is refused', async (path, body, status) => {
    expect((await post(app, path, body)).status).toBe(status)
  })

  it('that change something are not taken from pages of another origin', async () => {
    const headers = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }
    expect(await post(app, '/api/release', { kind: 'order', key: 'a' }, headers)).toMatchObject({ status: 403 })
    expect(await post(app, '/api/release', { kind: 'order', key: 'a' })).toEqual({
      status: 200,
      body: { released: false },
    })
  })

  it('of an app that has been closed say so', async () => {
    const closed = appOn(memoryLog())
    await closed.start()
    await closed.close()
    for (const path of ['/api/objects?kind=order', '/api/object?kind=order&key=a', '/api/quarantined']) {
      const { status, body } = await ask(closed, path)
      expect([path, status, body.error?.code]).toEqual([path, 503, expect.stringMatching(/APP_CLOSED|OVERLOADED/)])
    }
  })
})
