import { z } from 'zod'
import { appendRaw } from '../../../test/raw-records.js'
import { avro } from '../../codec/avro/avro.js'
import { stateObject } from '../../model/state-object.js'
import { topic } from '../../model/stream.js'
import { tumbling } from '../../model/window.js'
import { Driver } from '../../testing/driver.js'
import { changelogOf, kindsOf, objectOf, objectsIn, type StoredObject } from './changelogs.js'
import { firstKeys } from './keys.js'
import { rowsWith } from './rows.js'
import { changesFrom } from './tail.js'
import { plain } from '../../codec/plain.js'
import { codecOf, decodedValue, storedValue } from './values.js'

const app = 'test'
const { signal } = new AbortController()
const scan = { signal, onRead: () => undefined }
const events = topic('events', z.object({ id: z.string(), n: z.number() }))
const state = z.object({ n: z.number() })

const counter = stateObject('counter', { state, init: () => ({ n: 0 }) }).on(
  events,
  { key: ({ id }) => id, onError: { attempts: 1 } },
  (object, { n }, turn) => {
    if (n < 0) throw new Error('below zero')
    if (n === 0) turn.delete()
    else object.n = n
  },
)
const packed = stateObject('packed', { state, codec: avro(state), init: () => ({ n: 0 }) }).on(
  events,
  ({ id }) => id,
  (object, { n }) => void (object.n = n),
)
const windowed = stateObject('windowed', { state, init: () => ({ n: 0 }), window: tumbling('1m') }).on(
  events,
  ({ id }) => id,
  (object, { n }) => void (object.n += n),
)

let driver: Driver
beforeEach(() => {
  driver = new Driver({ objects: [counter, packed, windowed], failures: 'expect', partitions: 3, now: 60_000 })
})
afterEach(() => driver[Symbol.asyncDispose]())

const send = (id: string, n: number): Promise<void> => driver.send(events, { id, n }, { key: id })
const get = async (kind: string, key: string): Promise<StoredObject | undefined> =>
  objectOf(driver.log, await changelogOf(driver.log, app, kind), key, signal)

const keys = ['a', '__proto__', 'constructor', 'ключ', 'with space', 'x|y', '', '\u001b[31m', 'é'.repeat(200)]

it('is the last of each object, whatever its key', async () => {
  for (const key of keys) for (const n of [1, 2]) await send(key, n)
  for (const key of keys) {
    const object = (await get('counter', key)) as StoredObject
    expect([key, storedValue(object)]).toEqual([key, { n: 2 }])
  }
  const found: [string, unknown][] = []
  for (const stretch of await changelogOf(driver.log, app, 'counter'))
    for await (const objects of objectsIn(driver.log, stretch, () => true, scan))
      found.push(...objects.map((object) => [object.key, storedValue(object)] as [string, unknown]))
  expect(new Map(found)).toEqual(new Map(keys.map((key) => [key, { n: 2 }])))
  expect(found).toHaveLength(keys.length)
})

it('is nothing of an object that was deleted, or never was', async () => {
  await send('a', 1)
  await send('a', 0)
  expect(await get('counter', 'a')).toBeUndefined()
  expect(await get('counter', 'b')).toBeUndefined()
  await send('a', 3)
  expect(storedValue((await get('counter', 'a')) as StoredObject)).toEqual({ n: 3 })
})

it('is found by the key of its window, which is where its key is', async () => {
  for (const key of keys.filter((each) => each !== '')) {
    await send(key, 5)
    expect(storedValue((await get('windowed', `${key}|60000|120000`)) as StoredObject)).toEqual({ n: 5 })
  }
})

it('is bytes without a program that knows its codec, and what handlers see with it', async () => {
  await send('a', 7)
  const object = (await get('packed', 'a')) as StoredObject
  expect(storedValue(object)).not.toEqual({ n: 7 })
  const { definition } = packed
  expect(decodedValue(codecOf(app, [definition], 'packed'))(object)).toEqual({ n: 7 })
  expect(() => codecOf(app, [definition], 'counter')).toThrow(/no kind 'counter': there are packed/)
})

it('is listed by key, page by page', async () => {
  const sorted = Array.from({ length: 25 }, (_, i) => `k${String(i).padStart(2, '0')}`)
  for (const key of [...sorted, 'other']) await send(key, 1)
  await send('k03', 0)
  const wanted = sorted.filter((key) => key !== 'k03')
  const stretches = await changelogOf(driver.log, app, 'counter')
  const listed: string[] = []
  for (let after: string | undefined; ;) {
    const page = await firstKeys(driver.log, stretches, { prefix: 'k', after, limit: 7 }, scan)
    listed.push(...page.map(({ key }) => key))
    if (page.length < 7) break
    after = page.at(-1)?.key
  }
  expect(listed).toEqual(wanted)
})

it('is told as it changes', async () => {
  await send('a', 1)
  const stretches = await changelogOf(driver.log, app, 'counter')
  const stop = new AbortController()
  const changes = changesFrom(driver.log, stretches, (key) => key === 'a', stop.signal)
  const next = changes.next()
  await send('b', 9)
  await send('a', 2)
  const told = (await next).value as readonly StoredObject[]
  expect(told.map((object) => [object.key, storedValue(object)])).toEqual([['a', { n: 2 }]])
  stop.abort()
  expect((await changes.next()).done).toBe(true)
})

it('is of kinds that there are, and says which', async () => {
  await send('a', 1)
  expect(await kindsOf(driver.log, app)).toEqual(['counter', 'packed', 'windowed'])
  for (const kind of ['count', '__proto__', '../counter', 'a b', ''])
    await expect(changelogOf(driver.log, app, kind)).rejects.toMatchObject({
      exit: 'notFound',
      message: expect.stringMatching(/there are: counter, packed, windowed/),
    })
  await expect(changelogOf(driver.log, 'tes', 'counter')).rejects.toThrow(/never ran here/)
})

it('has rows of objects in quarantine, as long as they are', async () => {
  for (const key of ['a', '__proto__']) await send(key, -1)
  const rows = await rowsWith(driver.log, app, ['quarantine'], signal)
  expect([...rows.values()].map(({ kind, key, row }) => [kind, key, row.quarantine?.code])).toEqual(
    expect.arrayContaining([
      ['counter', 'a', 'HANDLER_FAILED'],
      ['counter', '__proto__', 'HANDLER_FAILED'],
    ]),
  )
  await driver.release(counter, 'a')
  expect([...(await rowsWith(driver.log, app, ['quarantine'], signal)).values()].map(({ key }) => key)).toEqual([
    '__proto__',
  ])
})

it('is not read where something else has written to the rows', async () => {
  await send('a', -1)
  const record = (key: string, value: string) => ({
    key: Buffer.from(key),
    value: Buffer.from(value),
    timestamp: 0,
    headers: [],
  })
  await appendRaw(driver.log, `${app}-timers`, 0, [
    record('counter/x', '{"quarantine":'),
    record('counter/y', 'null'),
    record('nothing', '{"quarantine":1}'),
    record('counter/z', '{"timers":{"x":"\\"quarantine\\":"}}'),
  ])
  expect([...(await rowsWith(driver.log, app, ['quarantine'], signal)).keys()]).toEqual(['counter/a'])
})

it.each<[unknown, string]>([
  [{ a: 1n, b: new Date(0) }, '{"a":"1","b":"1970-01-01T00:00:00.000Z"}'],
  [new Map([[1, new Set(['x'])]]), '[[1,["x"]]]'],
  [Buffer.from([255, 0]), '{"base64":"/wA="}'],
  [[NaN, -Infinity, new Date(NaN)], '["NaN","-Infinity","Invalid Date"]'],
  [JSON.parse('{"__proto__":{"x":1}}'), '{"__proto__":{"x":1}}'],
])('shows %p as JSON', (value, json) => {
  expect(JSON.stringify(plain(value))).toBe(json)
})
