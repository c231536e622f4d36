import {
  account,
  byLane,
  deposits,
  names,
  oddKeys,
  startedBank as started,
  toAll,
  token,
  twoBanks,
} from '../../test/bank.js'
import { z } from 'zod'
import type { App } from '../app/app.js'
import { silentLogger } from '../core/logger.js'
import { memoryLog } from '../memory/memory-log.js'
import { stateObject } from '../model/state-object.js'
import { topic } from '../model/stream.js'

const authorization = `Bearer ${token}`

interface Asking {
  readonly method?: string
  readonly body?: string
  readonly headers?: Readonly<Record<string, string>>
}

async function asked(app: App, path: string, init: Asking = {}): Promise<[number, any]> {
  const answer = await fetch(`${app.http?.url}${path}`, {
    ...init,
    headers: {
      authorization,
      ...(init.body === undefined ? {} : { 'content-type': 'application/json' }),
      ...init.headers,
    },
  })
  return [answer.status, await answer.json()]
}

describe('state over HTTP', () => {
  it('is answered by any instance, with where it is from', async () => {
    await using log = memoryLog({ partitions: 4 })
    await using banks = await twoBanks(log, 5)
    const { one, two } = banks
    for (const app of [one, two]) {
      const [status, body] = await asked(app, '/state/account/a07')
      const { task, instance } = await one.owner(account, 'a07')
      const value = { sum: 5, n: 1 }
      expect([status, body]).toEqual([
        200,
        {
          kind: 'account',
          key: 'a07',
          version: 1,
          task,
          instance,
          value,
          offset: expect.any(Number),
          id: expect.stringMatching(/^w1_/),
        },
      ])
      expect(await asked(app, '/state/account/a07/ask/sumAnd', { method: 'POST', body: '[2]' })).toMatchObject([
        200,
        { query: 'sumAnd', answer: 7 },
      ])
      expect(await asked(app, '/owner/account/a07')).toMatchObject([200, { task, instance, state: 'running' }])
    }
  })

  it('is given in pages', async () => {
    await using log = memoryLog({ partitions: 4 })
    await using banks = await twoBanks(log, 5)
    const { one, two } = banks
    const keys: string[] = []
    for (let after: string | undefined = undefined, pages = 0; pages < 10; pages++) {
      const query: string = after === undefined ? '' : `&after=${after}`
      const [status, { objects, next }] = await asked(two, `/state/account?prefix=a&limit=7${query}`)
      expect(status).toBe(200)
      for (const { key, value, version, task } of objects) {
        expect({ value, version }).toEqual({ value: { sum: 5, n: 1 }, version: 1 })
        expect(task).toBe((await one.owner(account, key)).task)
        keys.push(key)
      }
      if ((after = next) === undefined) break
    }
    expect(keys).toEqual(names)
  })

  it('has keys of any text that a URL can hold', async () => {
    await using log = memoryLog({ partitions: 3 })
    await log.send(
      deposits,
      oddKeys.map((key, i) => ({ lane: `l${i}`, account: key, amount: 1 })),
      byLane,
    )
    await using app = await started(log)
    await app.drained()
    for (const key of oddKeys) {
      const value = { sum: 1, n: 1 }
      const inQuery = `?key=${encodeURIComponent(key)}`
      expect(await asked(app, `/state/account${inQuery}`)).toMatchObject([200, { key, value }])
      expect(await asked(app, `/owner/account${inQuery}`)).toMatchObject([200, { isHere: true }])
      const query = { method: 'POST', body: '[2]' }
      expect(await asked(app, `/state/account/ask/sumAnd${inQuery}`, query)).toMatchObject([200, { key, answer: 3 }])
      // URLs take dots for folders, also encoded.
      if (key === '.' || key === '..') continue
      expect(await asked(app, `/state/account/${encodeURIComponent(key)}`)).toMatchObject([200, { key, value }])
    }
  })

  it('gives what a query answers, also what JSON has no form for', async () => {
    await using log = memoryLog({ partitions: 1 })
    await log.send(deposits, [{ lane: 'l', account: 'a', amount: 1 }], byLane)
    const ring: { next?: unknown } = {}
    ring.next = ring
    const fail = (): never => {
      throw new Error('no')
    }
    const odd: readonly (readonly [string, () => unknown, number, unknown])[] = [
      ['ring', () => ring, 422, 'QUERY_FAILED'],
      ['getter', () => Object.defineProperty({}, 'a', { enumerable: true, get: fail }), 422, 'QUERY_FAILED'],
      ['rejection', () => Promise.reject(new Error('no')), 422, 'QUERY_FAILED'],
      ['function', () => () => 1, 200, null],
      ['symbol', () => Symbol('a'), 200, null],
      ['nothing', () => undefined, 200, null],
      ['ownJson', () => ({ toJSON: () => 5, a: 1 }), 200, { a: 1 }],
      ['numbers', () => [NaN, 2n ** 64n, undefined], 200, ['NaN', '18446744073709551616', null]],
    ]
    const object = odd.reduce((all, [name, query]) => all.query(name, query), account as typeof account)
    await using app = await started(log, { objects: [object] })
    await app.drained()
    const found: unknown[] = []
    for (const [name] of odd) {
      const [status, { answer, error }] = await asked(app, `/state/account/a/ask/${name}`, { method: 'POST' })
      found.push([name, status, status === 200 ? answer : error.code])
    }
    expect(found).toEqual(odd.map(([name, , status, answer]) => [name, status, answer]))
  })

  it.each<[string, string, Asking, number, string]>([
    ['an unknown kind', '/state/nothing/a', {}, 404, 'DEFINITION_INVALID'],
    ['an unknown object', '/state/account/nobody', {}, 404, 'OBJECT_MISSING'],
    ['an unknown query', '/state/account/a00/ask/nothing', { method: 'POST' }, 404, 'DEFINITION_INVALID'],
    [
      'an unknown query of an unknown object',
      '/state/account/nobody/ask/nothing',
      { method: 'POST' },
      404,
      'DEFINITION_INVALID',
    ],
    [
      'arguments that are no list',
      '/state/account/a00/ask/sumAnd',
      { method: 'POST', body: '{}' },
      400,
      'REQUEST_INVALID',
    ],
    [
      'arguments that are no JSON',
      '/state/account/a00/ask/sumAnd',
      { method: 'POST', body: '[' },
      400,
      'REQUEST_INVALID',
    ],
    ['a query that throws', '/state/account/a00/ask/failing', { method: 'POST' }, 422, 'QUERY_FAILED'],
    ['a query of no object', '/state/account/ask/sumAnd', { method: 'POST' }, 400, 'REQUEST_INVALID'],
    ['an owner of no object', '/owner/account', {}, 400, 'REQUEST_INVALID'],
    ['a limit that is none', '/state/account?limit=-1', {}, 400, 'REQUEST_INVALID'],
    ['a time-out that is none', '/state/account/a00?timeout=soon', {}, 400, 'OPTIONS_INVALID'],
    ['a time-out that is too long', '/state/account/a00?timeout=1h', {}, 400, 'REQUEST_INVALID'],
    ['a token that is none', '/state/account/a00?token=x', {}, 400, 'TOKEN_INVALID'],
    ['stale that is none', '/state/account/a00?stale=maybe', {}, 400, 'REQUEST_INVALID'],
    ['stale with a token', '/state/account/a00?stale=true&token=mr1.W10', {}, 400, 'OPTIONS_INVALID'],
    ['a watch that cannot go on', '/watch/account/a00?after=x', {}, 400, 'TOKEN_INVALID'],
    ['a watch of no kind', '/watch/nothing/a00', {}, 404, 'DEFINITION_INVALID'],
    ['a question of another version', '/peer/state', { method: 'POST', body: '{"op":"what"}' }, 400, 'REQUEST_INVALID'],
    ['no question', '/peer/state', { method: 'POST', body: 'null' }, 400, 'REQUEST_INVALID'],
  ])('refuses %s', async (_what, path, init, status, code) => {
    await using log = memoryLog({ partitions: 2 })
    await log.send(deposits, toAll(5), byLane)
    await using app = await started(log)
    await app.drained()
    const answer = await asked(app, path, init)
    expect(answer).toMatchObject([status, { error: { code } }])
    expect(JSON.stringify(answer)).not.toContain('secret')
    expect(await app.state(account).get('a00')).toEqual({ sum: 5, n: 1 })
  })

  it('says in the log of the app what a query threw', async () => {
    await using log = memoryLog({ partitions: 2 })
    await log.send(deposits, toAll(5), byLane)
    const lines: string[] = []
    const logger = { ...silentLogger, warn: (_fields: object, message?: string) => void lines.push(message ?? '') }
    await using app = await started(log, { logger })
    await app.drained()
    expect(await asked(app, '/state/account/a00/ask/failing', { method: 'POST' })).toMatchObject([422, {}])
    expect(lines).toEqual([expect.stringContaining('a secret of the handler')])
  })

  it('has pages that end early where states are large', async () => {
    const texts = topic('texts', z.string())
    const note = stateObject('note', { state: z.object({ text: z.string() }), init: () => ({ text: '' }) }).on(
      texts,
      (key) => key,
      (state) => void (state.text = 'x'.repeat(900_000)),
    )
    await using log = memoryLog({ partitions: 2 })
    const keys = Array.from({ length: 12 }, (_, i) => `k${String(i).padStart(2, '0')}`)
    await log.send(texts, keys)
    await using app = await started(log, { objects: [note] })
    await app.drained()
    const seen: string[] = []
    for (let after = '', pages = 0; ; pages++) {
      const [status, { objects, next }] = await asked(app, `/state/note?limit=1000&after=${after}`)
      expect(status).toBe(200)
      expect(objects.length).toBeLessThanOrEqual(6)
      seen.push(...objects.map(({ key }: { key: string }) => key))
      if (next === undefined) break
      expect(pages).toBeLessThan(12)
      after = next
    }
    expect(seen).toEqual(keys)
  })

  it('needs the token', async () => {
    await using log = memoryLog({ partitions: 2 })
    await log.send(deposits, toAll(5), byLane)
    await using app = await started(log)
    for (const path of ['/state/account/a00', '/state/account', '/watch/account/a00', '/owner/account/a00'])
      expect((await asked(app, path, { headers: { authorization: '' } }))[0]).toBe(401)
  })
})

describe('a watch over HTTP', () => {
  it('is a stream of events that goes on behind the last one', async () => {
    await using log = memoryLog({ partitions: 2 })
    await log.send(deposits, toAll(5), byLane)
    await using app = await started(log)
    await app.drained()
    const events = async (
      path: string,
      id: string | undefined,
      count: number,
      act: () => Promise<unknown>,
    ): Promise<{ id: string; data: any }[]> => {
      const headers = { authorization, ...(id === undefined ? {} : { 'last-event-id': id }) }
      const ending = new AbortController()
      const answer = await fetch(`${app.http?.url}${path}`, { headers, signal: ending.signal })
      expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'text/event-stream'])
      await act()
      const found: { id: string; data: any }[] = []
      let text = ''
      for await (const part of answer.body!.pipeThrough(new TextDecoderStream())) {
        text += part
        for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
          const block = text.slice(0, end)
          text = text.slice(end + 2)
          const data = /^data: (.*)$/m.exec(block)?.[1]
          if (data !== undefined) found.push({ id: /^id: (.*)$/m.exec(block)![1]!, data: JSON.parse(data) })
        }
        if (found.length >= count) break
      }
      ending.abort()
      return found
    }
    const send = (amount: number) => async (): Promise<void> => {
      await log.send(deposits, [{ lane: 'l', account: 'a05', amount }], byLane)
      await app.drained()
    }
    const [first] = await events('/watch/account/a05', undefined, 1, send(1))
    expect(first?.data).toEqual({
      kind: 'account',
      key: 'a05',
      value: { sum: 6, n: 2 },
      version: 1,
      task: expect.any(Number),
      offset: expect.any(Number),
    })
    await send(2)()
    await send(0)()
    const rest = await events('/watch/account/a05', first?.id, 2, async () => undefined)
    expect(rest.map(({ data }) => [data.value?.sum, data.deleted])).toEqual([
      [8, undefined],
      [undefined, true],
    ])
    const [other] = await events('/watch/account?prefix=a0', undefined, 1, send(3))
    expect(other?.data).toMatchObject({ key: 'a05', value: { sum: 3 } })
  })
})
