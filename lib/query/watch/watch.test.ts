import {
  account,
  bursts,
  byLane,
  deposits,
  names,
  startedBank as started,
  toAll,
  twoBanks,
  type Deposit,
} from '../../../test/bank.js'
import type { App } from '../../app/app.js'
import { memoryLog } from '../../memory/memory-log.js'
import type { Change } from './changes.js'

type Told = readonly [key: string, sum: number | undefined]
const toldOf = ({ key, value }: Change<{ sum: number }>): Told => [key, value?.sum]

/** Reads until a change fits. */
async function until(
  changes: AsyncIterable<Change<any>>,
  fits: (change: Change<any>) => boolean,
): Promise<Change<any>[]> {
  const found: Change<any>[] = []
  for await (const change of changes) {
    found.push(change)
    if (fits(change)) return found
  }
  throw new Error('it ended')
}

const deposit = (name: string, amount: number): Deposit => ({ lane: 'l', account: name, amount })

describe('a watch', () => {
  it('tells each committed change of a key, on any instance, and goes on behind an id', async () => {
    await using log = memoryLog({ partitions: 4 })
    await using banks = await twoBanks(log, 1)
    const { one, two } = banks
    const { id } = await two.state(account).read('a03')
    const watches = [one, two].map((app) => app.watch(account, 'a03'))
    for (const amount of [1, 2, 3]) {
      await log.send(deposits, [deposit('a04', 1), deposit('a03', amount)], byLane)
      await one.drained()
    }
    const wanted = [2, 4, 7].map((sum) => ['a03', sum])
    for (const [i, app] of [one, two].entries()) {
      const isLast = ({ value }: Change<any>): boolean => value?.sum === 7
      const told = await until(watches[i]!, isLast)
      expect(told.map(toldOf)).toEqual(wanted)
      expect(told.every(({ deleted, version }) => !deleted && version === 1)).toBe(true)
      // From the read on nothing is missed.
      expect((await until(app.watch(account, 'a03', { after: id }), isLast)).map(toldOf)).toEqual(wanted)
      const rest = await until(app.watch(account, 'a03', { after: told[0]!.id }), isLast)
      expect(rest.map(toldOf)).toEqual(wanted.slice(1))
    }
  })

  it('tells each of several readers all that there was since the call', async () => {
    await using log = memoryLog({ partitions: 2 })
    await log.send(deposits, [], byLane)
    await using app = await started(log)
    const changes = app.watch(account, 'a03')
    for (const amount of [1, 2]) {
      await log.send(deposits, [deposit('a03', amount)], byLane)
      await app.drained()
    }
    const all = async (): Promise<Told[]> => (await until(changes, ({ value }) => value?.sum === 3)).map(toldOf)
    const wanted = [1, 3].map((sum) => ['a03', sum])
    expect(await Promise.all([all(), all()])).toEqual([wanted, wanted])
    expect(await all()).toEqual(wanted)
  })

  it('tells changes by prefix, deletions too, and the newest of each after a compaction', async () => {
    await using log = memoryLog({ partitions: 4 })
    await using banks = await twoBanks(log, 1)
    const { one, two } = banks
    const first = two.watch(account, { prefix: 'a1' })
    await log.send(deposits, [deposit('a10', 1)], byLane)
    await one.drained()
    for (let i = 0; i < 5; i++) {
      await log.send(deposits, [deposit('a11', 1), deposit('a02', 1), deposit('a12', 1)], byLane)
      await one.drained()
    }
    await log.send(deposits, [deposit('a12', 0), deposit('a13', 1)], byLane)
    await one.drained()
    const wanted = new Map<string, number | undefined>([
      ['a11', 6],
      ['a12', undefined],
      ['a13', 2],
    ])
    const latest = new Map<string, number | undefined>()
    const isDone = ({ key, value }: Change<any>): boolean => {
      latest.set(key, value?.sum as number | undefined)
      return [...wanted].every(([name, sum]) => latest.has(name) && latest.get(name) === sum)
    }
    const told = await until(first, isDone)
    expect(told.every(({ key }) => key.startsWith('a1'))).toBe(true)
    await log.compact('bank-account-changelog')
    latest.clear()
    await until(one.watch(account, { prefix: 'a1' }, { after: told[0]!.id }), isDone)
  })

  it('tells the open sessions of a key anew', async () => {
    await using log = memoryLog({ partitions: 2 })
    await log.send(deposits, [], byLane)
    await using app = await started(log, { objects: [bursts] })
    const byPrefix = app.watch(bursts, { prefix: 'k' })
    const ofOne = app.watch(bursts, 'k|0|60000')
    const send = async (at: number): Promise<void> => {
      await log.send(deposits, [{ ...deposit('k', 1), at }], { ...byLane, timestamp: () => at })
      await app.drained()
    }
    await send(0)
    await send(600_000)
    const all = await until(byPrefix, ({ key }) => key === 'k|600000|660000')
    expect(all.map(({ key, deleted }) => [key, deleted])).toEqual([
      ['k', true],
      ['k|0|60000', false],
      ['k', true],
      ['k|0|60000', false],
      ['k|600000|660000', false],
    ])
    // It is another one now.
    await send(30_000)
    expect(
      (await until(ofOne, ({ deleted }) => deleted)).map(({ key, value }) => [key, value?.sum as unknown]),
    ).toEqual([
      ['k|0|60000', 1],
      ['k|0|60000', 1],
      ['k|0|60000', undefined],
    ])
  })

  it('ends when it is left, told to, or its app is closed, also while it waits', async () => {
    await using log = memoryLog({ partitions: 2 })
    await log.send(deposits, [], byLane)
    const app = await started(log)
    const ending = new AbortController()
    const told = app.watch(account, 'a', { signal: ending.signal })[Symbol.asyncIterator]()
    const left = app.watch(account, 'a')[Symbol.asyncIterator]()
    const closed = app.watch(account, 'a')[Symbol.asyncIterator]()
    const waiting = [told.next(), left.next(), closed.next()]
    ending.abort()
    await left.return?.()
    expect(await Promise.all(waiting.slice(0, 2))).toEqual([
      { done: true, value: undefined },
      { done: true, value: undefined },
    ])
    const end = waiting[2]!.catch((error: unknown) => error)
    await app.close()
    expect(await end).toMatchObject({ code: 'APP_CLOSED' })
  })

  it.each<[string, (app: App) => unknown, string]>([
    ['no id', (app) => app.watch(account, 'a', { after: 'x' }), 'TOKEN_INVALID'],
    ['an empty id', (app) => app.watch(account, 'a', { after: '' }), 'TOKEN_INVALID'],
    ['an id of another kind', (app) => app.watch(account, 'a', { after: 'w1_1_1_0_0' }), 'TOKEN_INVALID'],
    ['half a surrogate pair', (app) => app.watch(account, '\ud800'), 'OPTIONS_INVALID'],
    ['no key', (app) => app.watch(account, 5 as never), 'OPTIONS_INVALID'],
    ['no signal', (app) => app.watch(account, 'a', { signal: {} as never }), 'OPTIONS_INVALID'],
    ['a kind it does not have', (app) => app.watch(bursts, 'a|1|2'), 'DEFINITION_INVALID'],
  ])('refuses %s', async (_what, watch, code) => {
    await using log = memoryLog({ partitions: 2 })
    await log.send(deposits, [], byLane)
    await using app = await started(log)
    const read = async (): Promise<void> => {
      for await (const _ of watch(app) as AsyncIterable<unknown>) break
    }
    await expect(read()).rejects.toMatchObject({ code })
  })

  it('refuses an id of a prefix for one key, and one that is beyond the end', async () => {
    await using log = memoryLog({ partitions: 2 })
    await log.send(deposits, toAll(1), byLane)
    await using app = await started(log)
    const changes = app.watch(account, { prefix: '' })
    await log.send(deposits, toAll(1), byLane)
    const [{ id }] = (await until(changes, () => true)) as [Change]
    const first = async (after: string, what: string | { prefix: string }): Promise<unknown> => {
      for await (const change of app.watch(account, what, { after })) return change
      return undefined
    }
    await expect(first(id, names[0]!)).rejects.toMatchObject({ code: 'TOKEN_INVALID' })
    const beyond = id.replace(/_[^_]*$/, '_zzzz.zzzz')
    await expect(first(beyond, { prefix: '' })).rejects.toMatchObject({
      code: 'TOKEN_INVALID',
      message: expect.stringContaining('ends at') as string,
    })
  })
})
