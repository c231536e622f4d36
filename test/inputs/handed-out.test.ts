import { bytes, createApp, hopping, lookup, memoryLog, session, stateObject, topic, tumbling } from 'millrace'
import { testDriver } from 'millrace/testing'
import { z } from 'zod'
import { Driver } from '../../lib/testing/driver.js'

const state = z.object({
  n: z.number(),
  list: z.array(z.object({ at: z.number(), tags: z.array(z.string()) })),
  byName: z.record(z.string(), z.object({ n: z.number() })),
})
type State = z.infer<typeof state>
const init = (): State => ({ n: 0, list: [], byName: {} })
const item = z.object({ id: z.string(), at: z.number(), tags: z.array(z.string()) })
const items = topic('items', item)
const rows = topic('rows', state)
const parts = topic('parts', state.shape.list)
const later = topic('later', state.shape.list)
const key = ({ id }: { readonly id: string }): string => id
const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }

/** Changes whatever can be changed, as deep as it goes. */
function vandalise(value: unknown): void {
  if (typeof value !== 'object' || value === null) return
  if (ArrayBuffer.isView(value)) return void new Uint8Array(value.buffer, value.byteOffset, value.byteLength).fill(255)
  if (value instanceof Map) {
    for (const inner of value.values()) vandalise(inner)
    return value.clear()
  }
  if (value instanceof Date) return void value.setTime(0)
  for (const inner of Object.values(value)) vandalise(inner)
  if (Object.isFrozen(value)) return
  if (Array.isArray(value)) return void value.splice(0, Infinity, 'vandalised')
  for (const name of Object.keys(value)) delete (value as Record<string, unknown>)[name]
  Object.assign(value, { vandalised: true })
}

/** Takes what it is given into its state; everything that it hands out is vandalised by whoever gets it. */
const kept = stateObject('kept', { state, init })
  .timers({ due: state.shape.list })
  .on(items, { key, onError: { attempts: 1 } }, (own, { at, tags }, turn) => {
    own.n++
    own.list.push({ at, tags })
    own.byName[`at ${at}`] = { n: own.n }
    turn.emit(parts, own.list)
    turn.timer('due', '1m', own.list)
    own.list.at(-1)!.tags.push('after the emit')
  })
  .onTimer('due', (_own, list, turn) => {
    turn.emit(later, list)
    vandalise(list)
  })
  .publish(rows, (own) => {
    const row = structuredClone(own) as State
    vandalise(own)
    return row
  })
  .query('all', (own) => {
    const answer = structuredClone(own)
    vandalise(own)
    return answer
  })
  .query('itself', (own) => own)

const sent = (id: string, at: number): z.infer<typeof item> => ({ id, at, tags: ['t'] })
const expected = (...times: readonly number[]): State => ({
  n: times.length,
  list: times.map((at) => ({ at, tags: ['t', 'after the emit'] })),
  byName: Object.fromEntries(times.map((at, i) => [`at ${at}`, { n: i + 1 }])),
})

describe.each([
  ['in memory', 10_000, 'none'],
  ['read from the store', 1, 'none'],
  ['whose turns are run twice', 10_000, 'every-record'],
] as const)('what is handed out of an object %s', (_name, cacheEntries, replay) => {
  it('by rows, emits, timers, queries and reads of the driver can be changed, and the object is as it was', async () => {
    await using driver = testDriver({ objects: [kept], partitions: 1, cacheEntries, replay })
    const vandals = async (): Promise<void> => {
      for (const id of ['a', 'b', 'c']) vandalise(driver.state(kept, id))
      vandalise(await driver.entries(kept))
      for (const query of ['all', 'itself'] as const) vandalise(await driver.ask(kept, 'a', query))
      for (const each of [rows, parts, later]) vandalise(driver.output(each as typeof rows))
    }
    for (const at of [1, 2, 3]) {
      for (const id of ['a', 'b', 'c']) await driver.send(items, sent(id, at))
      await vandals()
      expect(driver.state(kept, 'a')).toEqual(expected(...[1, 2, 3].slice(0, at)))
      expect(driver.emitted(rows).at(-1)?.value).toEqual(expected(...[1, 2, 3].slice(0, at)))
    }
    // As it was when it was emitted, not as it was at the end of the turn.
    expect(driver.emitted(parts).at(-1)?.value?.at(-1)).toEqual({ at: 3, tags: ['t'] })
    await driver.advance('2m')
    expect(driver.emitted(later).at(-1)?.value?.at(-1)).toEqual({ at: 3, tags: ['t'] })
    await vandals()
    const all = ['a', 'b', 'c'].map((id) => [id, expected(1, 2, 3)])
    expect(await driver.entries(kept)).toEqual(all)
    await driver.crash()
    expect(await driver.entries(kept)).toEqual(all)
    driver.loseDisk()
    await driver.crash()
    expect(await driver.entries(kept)).toEqual(all)
    await driver.send(items, sent('a', 4))
    expect(driver.state(kept, 'a')).toEqual(expected(1, 2, 3, 4))
  })

  it('by an app can be changed, and the object is as it was, here and after a restart', async () => {
    const log = memoryLog({ partitions: 1 })
    const options = { id: 'app', log, objects: [kept], createTopics: true, cacheEntries, logger: silent }
    const times: number[] = []
    for (const next of [
      [1, 2],
      [3, 4],
    ]) {
      await using app = createApp(options)
      await app.start()
      for (const at of next) {
        await log.send(
          items,
          ['a', 'b', 'c'].map((id) => sent(id, at)),
        )
        await app.drained()
        times.push(at)
      }
      const reader = app.state(kept)
      for (const id of ['a', 'b', 'c']) vandalise(await reader.get(id))
      for await (const [, object] of reader.entries()) vandalise(object)
      for (const query of ['all', 'itself'] as const) vandalise(await reader.ask('a', query))
      for (const id of ['a', 'b', 'c']) expect(await reader.get(id)).toEqual(expected(...times))
    }
  })
})

describe('a row function', () => {
  it('may keep what it was given and change it later', async () => {
    const given: unknown[] = []
    const kind = stateObject('kept', { state, init })
      .on(items, key, (own, { at }) => void (own.n += at))
      .publish(rows, (own) => {
        given.push(own)
        return { ...own, list: [], byName: {} }
      })
    await using driver = testDriver({ objects: [kind], partitions: 1 })
    await driver.send(items, sent('a', 1))
    given.forEach(vandalise)
    await driver.send(items, sent('a', 2))
    expect(driver.state(kind, 'a')).toEqual({ n: 3, list: [], byName: {} })
  })
})

describe('bytes', () => {
  const raw = topic('raw', bytes())
  const out = topic('out', bytes())

  it('that are emitted are those at that time, whatever becomes of them in the turn', async () => {
    const kind = stateObject('blob', { state: z.object({}), init: () => ({}) }).on(
      raw,
      () => 'a',
      (_own, value, turn) => {
        const headers = { h: Uint8Array.of(1, 2) }
        turn.emit(out, value, { headers })
        vandalise(value)
        vandalise(headers)
      },
    )
    await using driver = testDriver({ objects: [kind], partitions: 1 })
    await driver.send(raw, Uint8Array.of(1, 2, 3))
    const [record] = driver.output(out)
    expect([...(record?.value ?? [])]).toEqual([1, 2, 3])
    expect([...(record?.headers.get('h') ?? [])]).toEqual([1, 2])
    vandalise(record)
    expect([...(driver.output(out)[0]?.value ?? [])]).toEqual([1, 2, 3])
    expect([...(driver.output(out)[0]?.headers.get('h') ?? [])]).toEqual([1, 2])
  })

  it('of a record are the same to each who takes it, in another attempt and in its dead letter', async () => {
    const seen: number[][] = []
    const eat = (
      _own: unknown,
      value: Uint8Array,
      turn: { record: { headers: ReadonlyMap<string, unknown> } },
    ): void => {
      seen.push([...value])
      vandalise(value)
      for (const header of turn.record.headers.values()) vandalise(header)
      throw new Error('no')
    }
    const policy = { key: () => 'a', onError: { attempts: 2, backoff: '1s' } } as const
    const kinds = ['one', 'two'].map((name) =>
      stateObject(name, { state: z.object({}), init: () => ({}) }).on(raw, policy, eat as never),
    )
    const flow = raw.to(out)
    await using driver = new Driver({ objects: kinds, flows: [flow], partitions: 1, failures: 'expect' })
    await driver.log.send(raw, [Uint8Array.of(1, 2, 3)], {
      key: () => 'k',
      headers: () => new Map([['h', Uint8Array.of(4, 5)]]),
    })
    await driver.advance('1m')
    expect(driver.deadLetters(raw).map(({ headers }) => [...(headers.get('h') ?? [])])).toEqual([
      [4, 5],
      [4, 5],
    ])
    expect(seen).toEqual(Array.from({ length: 4 }, () => [1, 2, 3]))
    expect(driver.deadLetters(raw).map(({ value, key: own }) => [own, [...(value ?? [])]])).toEqual(
      Array.from({ length: 2 }, () => ['k', [1, 2, 3]]),
    )
    expect([...(driver.output(out)[0]?.value ?? [])]).toEqual([1, 2, 3])
  })
})

it('headers that a record has none of are not those of others', async () => {
  const seen: number[] = []
  const kind = stateObject('k', { state: z.object({}), init: () => ({}) }).on(
    items,
    { key, onError: { attempts: 1 } },
    (_own, _item, turn) => {
      seen.push(turn.record.headers.size)
      ;(turn.record.headers as Map<string, Uint8Array>).set('mine', Uint8Array.of(1))
    },
  )
  await using driver = testDriver({ objects: [kind], partitions: 1, failures: 'expect' })
  for (const id of ['a', 'b']) await driver.send(items, sent(id, 1))
  expect(seen).toEqual([0, 0])
})

describe('a row of a lookup table', () => {
  const date = z.codec(z.string(), z.date(), {
    decode: (written) => new Date(written),
    encode: (known) => known.toISOString(),
  })
  const names = topic('names', z.object({ names: z.array(z.string()), since: date }))
  const blobs = topic('blobs', bytes())
  const out = topic('out', z.unknown())

  it('is the same to all who look it up, whatever they do to it', async () => {
    const [known, raw] = [lookup(names), lookup(blobs)]
    const kind = stateObject('k', { state: z.object({}), init: () => ({}) }).on(items, key, (_own, _item, turn) => {
      const row = turn.lookup(known, 'a')
      const blob = turn.lookup(raw, 'a')
      turn.emit(out, { names: row?.names, since: row?.since.toISOString(), blob: [...(blob ?? [])] })
      vandalise(row)
      vandalise(blob)
    })
    await using driver = testDriver({ objects: [kind], lookups: [known, raw], partitions: 1 })
    const since = new Date(1_000)
    await driver.send(names, { names: ['x'], since }, { key: 'a' })
    await driver.send(blobs, Uint8Array.of(1, 2), { key: 'a' })
    for (const id of ['a', 'b']) await driver.send(items, sent(id, 1))
    const row = { names: ['x'], since: since.toISOString(), blob: [1, 2] }
    expect(driver.emitted(out).map(({ value }) => value)).toEqual([row, row])
  })
})

describe('windows', () => {
  const timed = topic('items', item, { timestamp: ({ at }) => at })
  const start = Date.UTC(2026, 0, 1)

  it('are those of their turns, whatever a handler does to what it gets of them', async () => {
    const kind = stateObject('w', { state, init, window: tumbling('1m') }).on(
      timed,
      { key, onError: { attempts: 1 } },
      (own, value, turn) => {
        own.list.push({ at: value.at, tags: value.tags })
        vandalise(turn.window)
        if (value.at % 2 === 1) throw new Error('odd')
      },
    )
    await using driver = testDriver({ objects: [kind], partitions: 3, failures: 'expect' })
    await driver.send(timed, sent('a', start + 1))
    await driver.send(timed, sent('b', start + 2))
    expect(driver.deadLetters(timed)[0]).toMatchObject({ object: `a|${start}|${start + 60_000}` })
    expect((await driver.replayDeadLetters()).replayed).toBe(1)
    expect(driver.state(kind, `b|${start}|${start + 60_000}`)?.list).toEqual([{ at: start + 2, tags: ['t'] }])
  })

  it('that overlap have each its own of a record', async () => {
    const window = hopping('2m', { every: '1m' })
    const kind = stateObject('w', {
      state: z.object({ tags: z.array(z.string()) }),
      init: () => ({ tags: [] }),
      window,
    }).on(timed, key, (own, { tags }, turn) => {
      own.tags = tags
      own.tags.push(String(turn.window.start - start))
    })
    await using driver = testDriver({ objects: [kind], partitions: 1 })
    await driver.send(timed, sent('a', start + 1))
    const states = (await driver.entries(kind)).map(([, { tags }]) => tags)
    expect(states).toEqual([
      ['t', '-60000'],
      ['t', '0'],
    ])
  })
})

describe('who keeps the state of a turn that is over', () => {
  const timed = topic('items', item, { timestamp: ({ at }) => at })
  const start = Date.UTC(2026, 0, 1)
  const merge = (a: State, b: State): State => {
    const both = structuredClone({ ...a, list: [...a.list, ...b.list] })
    vandalise(a)
    vandalise(b)
    return both
  }

  it.each([
    ['windows', tumbling('1m')],
    ['sessions', session('1m', { merge })],
  ])('because it closes changes no object that is still there: %s', async (_name, window) => {
    const given: unknown[] = []
    const kind = stateObject('w', { state, init, window: window as never })
      .on(timed, key, (own, { at, tags }) => void own.list.push({ at: at - start, tags }))
      .onClose((own, turn) => {
        turn.emit(parts, own.list, { timestamp: start })
        given.push(own, turn.window)
        vandalise(own)
      })
    await using driver = testDriver({ objects: [kind], partitions: 1 })
    const closed = (): unknown[] => driver.emitted(parts).map(({ value }) => value?.map(({ at }) => at))
    for (const at of [0, 100_000, 50_000, 200_000, 300_000, 310_000]) {
      await driver.send(timed, sent('a', start + at), { failures: 'expect' })
      given.forEach(vandalise)
    }
    const before = await driver.entries(kind)
    given.forEach(vandalise)
    await driver.crash()
    expect(await driver.entries(kind)).toEqual(before)
    await driver.advance('1h')
    await driver.send(timed, sent('a', start + 900_000))
    expect(closed().at(-1)).toEqual([300_000, 310_000])
  })

  it.each(['fails', 'takes too long'])('because it %s changes no object, asynchronous as it is', async (how) => {
    const given: State[] = []
    const gate: (() => void)[] = []
    const kind = stateObject('k', { state, init }).on(
      items,
      { key, turnTimeout: '20ms', onError: { attempts: 1 } },
      async (own, { at, tags }) => {
        own.list.push({ at, tags })
        if (at !== 2) return
        given.push(own)
        if (how === 'fails') throw new Error('no')
        await new Promise<void>((resolve) => gate.push(resolve))
        vandalise(own)
      },
    )
    await using driver = testDriver({ objects: [kind], partitions: 1, failures: 'expect' })
    await driver.send(items, sent('a', 1))
    await driver.send(items, sent('a', 2))
    gate.forEach((open) => open())
    given.forEach(vandalise)
    await driver.send(items, sent('b', 1))
    expect(driver.state(kind, 'a')?.list).toEqual([{ at: 1, tags: ['t'] }])
    await driver.crash()
    expect(driver.state(kind, 'a')?.list).toEqual([{ at: 1, tags: ['t'] }])
    expect(given).toHaveLength(1)
  })
})
