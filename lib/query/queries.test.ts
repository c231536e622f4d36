import {
  account,
  byLane,
  bursts,
  deposits,
  names,
  oddKeys,
  perMinute,
  startedBank as started,
  toAll,
  token,
  twoBanks,
} from '../../test/bank.js'
import { createApp } from '../app/create-app.js'
import type { App } from '../app/app.js'
import { silentLogger } from '../core/logger.js'
import { commitToken } from '../log/client/commit-token.js'
import { memoryLog } from '../memory/memory-log.js'

describe('state asked from any instance', () => {
  it('is answered wherever the object is, and the owner is named', async () => {
    await using log = memoryLog({ partitions: 4 })
    await using banks = await twoBanks(log, 5)
    const { one, two } = banks
    const urls = new Map<string | undefined, number>()
    for (const name of names) {
      const owners = [await one.owner(account, name), await two.owner('account', name)]
      expect(owners.map(({ isHere }) => isHere).sort()).toEqual([false, true])
      expect(owners[0]).toMatchObject({ kind: 'account', key: name, state: 'running', instance: owners[1]?.instance })
      urls.set(owners[0]?.url, (urls.get(owners[0]?.url) ?? 0) + 1)
      for (const app of [one, two]) {
        expect(await app.state(account).get(name)).toEqual({ sum: 5, n: 1 })
        expect(await app.state(account).read(name)).toMatchObject({
          kind: 'account',
          key: name,
          version: 1,
          task: owners[0]?.task,
          instance: owners[0]?.instance,
          stale: undefined,
        })
      }
    }
    expect([...urls.keys()].sort()).toEqual([one.http?.url, two.http?.url].sort())
    expect(await two.state(account).get('nobody')).toBeUndefined()
  })

  it('waits for what was written to a partition that was just added', async () => {
    await using log = memoryLog({ partitions: 2 })
    await using banks = await twoBanks(log, 1)
    const { one, two } = banks
    await log.grow(deposits.name, 16)
    const { token: written } = await log.send(deposits, toAll(1), byLane)
    for (const app of [one, two])
      for (const name of ['a01', 'a02', 'a03'])
        expect(await app.state(account).get(name, { after: written, timeout: '20s' })).toEqual({ sum: 2, n: 2 })
    const beyond = commitToken({ topic: deposits.name, partition: 16, offset: 0 })
    await expect(one.state(account).get('a01', { after: beyond })).rejects.toMatchObject({ code: 'TOKEN_INVALID' })
  })

  it('is given in the order of keys over all instances, in pages', async () => {
    await using log = memoryLog({ partitions: 4 })
    await using banks = await twoBanks(log, 5)
    const { one, two } = banks
    const keysOf = async (app: App, options: object): Promise<string[]> => {
      const keys: string[] = []
      for await (const [key, state] of app.state(account).entries(options)) {
        expect(state).toEqual({ sum: 5, n: 1 })
        keys.push(key)
      }
      return keys
    }
    for (const app of [one, two]) {
      expect(await keysOf(app, {})).toEqual(names)
      expect(await keysOf(app, { prefix: 'a1' })).toEqual(names.slice(10))
      expect(await keysOf(app, { limit: 3 })).toEqual(names.slice(0, 3))
      expect(await keysOf(app, { limit: 3, after: 'a02' })).toEqual(names.slice(3, 6))
      expect(await keysOf(app, { after: 'a19' })).toEqual([])
      expect(await keysOf(app, { limit: 0 })).toEqual([])
    }
    const own = [await keysOf(one, { scope: 'local' }), await keysOf(two, { scope: 'local' })]
    expect(own.every(({ length }) => length > 0)).toBe(true)
    expect(own.flat().sort()).toEqual(names)
  })

  it('is asked by queries that take and give any value, on a copy', async () => {
    await using log = memoryLog({ partitions: 4 })
    await using banks = await twoBanks(log, 5)
    const { one, two } = banks
    for (const name of names.slice(0, 8)) {
      for (const app of [one, two]) {
        const state = app.state(account)
        expect(await state.ask(name, 'spoiling')).toBe(1_000)
        expect(await state.get(name)).toEqual({ sum: 5, n: 1 })
        const answer = await state.ask(name, 'above', 4n)
        expect(answer).toEqual({ isAbove: true, at: new Date(7), parts: new Map([[5, 1n]]) })
        await expect(state.ask(name, 'nothing' as 'above', 1n)).rejects.toMatchObject({
          code: 'DEFINITION_INVALID',
          message: expect.stringMatching(/has no query 'nothing': its queries are: .*above/),
        })
      }
    }
  })

  it.each([account, perMinute, bursts])('has keys of any text, of $name', async (kind) => {
    await using log = memoryLog({ partitions: 3 })
    const sent = oddKeys.map((key, i) => ({ lane: `l${i}`, account: key, amount: 1 }))
    await log.send(deposits, sent, { ...byLane, timestamp: () => 60_000 })
    await using one = await started(log, { objects: [kind] })
    await using two = await started(log, { objects: [kind] })
    await one.drained()
    const suffix = kind === account ? '' : '|60000|120000'
    for (const app of [one, two]) {
      const found: string[] = []
      for await (const [key] of app.state(kind).entries()) found.push(key)
      expect([...found].sort()).toEqual(oddKeys.map((key) => key + suffix).sort())
      for (const key of found) expect(await app.state(kind).get(key)).toEqual({ sum: 1, n: 1 })
      for (let i = 0; i < found.length; i += 5) {
        const page: string[] = []
        const after = i === 0 ? {} : { after: found[i - 1]! }
        for await (const [key] of app.state(kind).entries({ limit: 5, ...after })) page.push(key)
        expect(page).toEqual(found.slice(i, i + 5))
      }
      await expect(app.state(kind).get('half \ud800')).rejects.toMatchObject({ code: 'OPTIONS_INVALID' })
    }
  })

  it('finds windows and sessions by any prefix, and goes on in the middle of those of one key', async () => {
    await using log = memoryLog({ partitions: 3 })
    const times = [60_000, 180_000, 600_000, 1_200_000]
    const sent = ['a', 'a|b', 'c'].flatMap((key) => times.map((at) => ({ lane: key, account: key, amount: 1, at })))
    await log.send(deposits, sent, { ...byLane, timestamp: ({ at }) => at ?? 0 })
    for (const kind of [perMinute, bursts]) {
      await using one = await started(log, { id: kind.name, objects: [kind] })
      await using two = await started(log, { id: kind.name, objects: [kind] })
      await one.drained()
      const keysOf = async (options: object): Promise<string[]> => {
        const keys: string[] = []
        for await (const [key] of two.state(kind).entries(options)) keys.push(key)
        return keys
      }
      const all = await keysOf({})
      expect(all).toHaveLength(12)
      for (const prefix of [
        'a',
        'a|',
        'a|1',
        'a|b',
        'a|b|',
        'a|b|60000|',
        'a|60000|120000',
        'c|',
        'd',
        'a|60000|120000|',
      ]) {
        const wanted = all.filter((key) => key.startsWith(prefix))
        expect([prefix, await keysOf({ prefix })]).toEqual([prefix, wanted])
        for (const after of wanted)
          expect([after, await keysOf({ prefix, after })]).toEqual([after, wanted.slice(wanted.indexOf(after) + 1)])
      }
      await expect(one.state(kind).get('a')).rejects.toMatchObject({ code: 'OPTIONS_INVALID' })
    }
  })

  it('is elsewhere where either side has no http', async () => {
    await using log = memoryLog({ partitions: 4 })
    await log.send(deposits, toAll(5), byLane)
    await using one = await started(log)
    const { http: _, ...without } = { http: undefined }
    await using two = createApp({ id: 'bank', log: log.open(), objects: [account], logger: silentLogger, ...without })
    await two.start()
    await one.drained()
    const isHere = await Promise.all(names.map(async (name) => (await one.owner(account, name)).isHere))
    const [mine, theirs] = [names[isHere.indexOf(true)]!, names[isHere.indexOf(false)]!]
    expect(await one.owner(account, theirs)).toMatchObject({ state: 'unknown', url: undefined })
    for (const [app, key] of [
      [one, theirs],
      [two, mine],
    ] as const)
      await expect(app.state(account).get(key)).rejects.toMatchObject({ code: 'KEY_ELSEWHERE', kind: 'account', key })
  })

  it('is not given to one that has another token', async () => {
    await using log = memoryLog({ partitions: 4 })
    await log.send(deposits, toAll(5), byLane)
    await using one = await started(log)
    await using two = await started(log, { http: { port: 0, token: `${token}-2` } })
    await one.drained()
    const isHere = await Promise.all(names.map(async (name) => (await one.owner(account, name)).isHere))
    const theirs = names[isHere.indexOf(false)]!
    const error = await one
      .state(account)
      .get(theirs, { timeout: 300 })
      .then(String, (e: unknown) => e)
    expect(error).toMatchObject({ code: 'OWNER_AWAY' })
    expect(String(error)).toMatch(/answers with status 401/)
    expect(String(error)).not.toContain(token)
    void two
  })
})

describe('a read with a commit token', () => {
  it('sees what was written, wherever it is asked and however the record comes to its object', async () => {
    await using log = memoryLog({ partitions: 4 })
    await log.send(deposits, [], byLane)
    await using one = await started(log)
    await using two = await started(log)
    let n = 0
    for (let round = 0; round < 15; round++) {
      const { token: after } = await log.send(deposits, toAll(1), byLane)
      n++
      // Both apps and the log share this process with all that asks: on a busy machine that takes its time.
      const options = { after, timeout: 20_000 }
      const reads = names.flatMap((name) => [one, two].map((app) => app.state(account).get(name, options)))
      expect(await Promise.all(reads)).toEqual(reads.map(() => ({ sum: n, n })))
    }
    await one.drained()
  }, 60_000)

  it.each<[string, unknown, RegExp]>([
    ['no token', 'x', /is no commit token/],
    ['a number', [5], /is no commit token/],
    ['a token cut short', 'mr1.W1siZGVw', /is no commit token/],
    ['JSON of something else', `mr1.${Buffer.from('{"a":1}').toString('base64url')}`, /is no commit token/],
    ['a negative offset', `mr1.${Buffer.from('[["deposits",[[0,-1]]]]').toString('base64url')}`, /is no commit token/],
    ['a topic of something else', `mr1.${Buffer.from('[["other",[[0,1]]]]').toString('base64url')}`, /reads deposits/],
    ['a partition there is not', `mr1.${Buffer.from('[["deposits",[[9,1]]]]').toString('base64url')}`, /partition 9/],
    ['another cluster', `mr1.${Buffer.from('[["deposits",[[0,1]],"id"]]').toString('base64url')}`, /another cluster/],
    ['an offset beyond', `mr1.${Buffer.from('[["deposits",[[0,99]]]]').toString('base64url')}`, /ends at 0/],
  ])('refuses %s', async (_what, after, message) => {
    await using log = memoryLog({ partitions: 2 })
    await log.send(deposits, [], byLane)
    await using app = await started(log)
    const read = app.state(account).get('a', { after: after as string, timeout: 400 })
    await expect(read).rejects.toMatchObject({
      code: 'TOKEN_INVALID',
      message: expect.stringMatching(message) as string,
    })
  })
})
