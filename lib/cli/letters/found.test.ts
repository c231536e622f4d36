import { z } from 'zod'
import { appendRaw, readRaw } from '../../../test/raw-records.js'
import { text } from '../../codec/codec.js'
import { stateObject } from '../../model/state-object.js'
import { topic } from '../../model/stream.js'
import { Driver } from '../../testing/driver.js'
import { replayDeadLetters } from '../../app/replay.js'
import { dry } from './dry.js'
import { filterOf, type FilterOptions } from './filter.js'
import { findLetters, type FoundLetter } from './found.js'
import { lineOf, wholeDocument, wholeText } from './told.js'

const app = 'test'
const orders = topic('orders', z.object({ id: z.string(), n: z.number() }))
const raw = topic('orders', text())
const start = Date.UTC(2026, 0, 1)

let bad: Set<number>
let driver: Driver
beforeEach(() => {
  bad = new Set([1])
  const order = stateObject('order', { state: z.object({ seen: z.number() }), init: () => ({ seen: 0 }) }).on(
    orders,
    { key: ({ id }) => id, onError: { attempts: 1 } },
    (state, { n }) => {
      state.seen++
      if (bad.has(n)) throw new Error(`cannot do ${n}\u001b[31m`)
    },
  )
  driver = new Driver({ objects: [order], failures: 'expect', now: start, partitions: 2 })
})
afterEach(() => driver[Symbol.asyncDispose]())

async function found(options: FilterOptions & { all?: boolean; after?: { partition: number; offset: number } } = {}) {
  const { all = false, after, ...filter } = options
  const letters: FoundLetter[] = []
  const { signal } = new AbortController()
  const search = { app, filter: filterOf(filter), all, after, signal, onRead: () => undefined }
  for await (const some of findLetters(driver.log, search)) letters.push(...some)
  return letters
}

const shown = (letters: readonly FoundLetter[]): string[] =>
  letters.map(({ status, facts }) => `${status} ${facts?.key ?? '-'} ${facts?.number ?? '-'}`)

async function send(id: string, ...values: number[]): Promise<void> {
  for (const n of values) await driver.send(orders, { id, n }, { key: id })
}

it('are open until they have had their turn, and open again when it has failed again', async () => {
  await send('a', 1, 2)
  await send('b', 3)
  expect(shown(await found())).toEqual(['open a 1', 'open a 2'])
  await driver.replayDeadLetters()
  expect(shown(await found())).toEqual(['open a 1', 'open a 2', 'again a 1'])
  bad.clear()
  await driver.replayDeadLetters({ only: {} })
  expect(await found()).toEqual([])
  expect(shown(await found({ all: true }))).toEqual(['done a 1', 'done a 2', 'done a 1'])
})

it('without an object are open until they are dropped', async () => {
  await driver.send(raw, '{"id":', { key: 'a' })
  await driver.send(raw, 'null', { key: 'a' })
  const [first, second] = await found()
  expect(shown(await found())).toEqual(['open - -', 'open - -'])
  const { partition, offset } = first as FoundLetter
  await driver.replayDeadLetters({ drop: { letter: { partition, offset }, reason: 'a test' } })
  expect((await found()).map((letter) => letter.offset)).toEqual([(second as FoundLetter).offset])
})

it.each<[string, FilterOptions, number]>([
  ['a kind', { kind: 'order' }, 2],
  ['another kind', { kind: '__proto__' }, 0],
  ['a key', { key: 'a' }, 2],
  ['another key', { key: 'b' }, 0],
  ['a code', { code: 'QUARANTINED' }, 1],
  ['a topic', { topic: 'orders' }, 2],
  ['another topic', { topic: 'order' }, 0],
  ['a time', { since: start + 1 }, 0],
  ['until a time', { until: start + 1 }, 2],
  ['a place where there is none', { letter: '7@0' }, 0],
  ['a place behind all', { letter: '0@999999' }, 0],
])('are those of %s', async (_what, options, count) => {
  await send('a', 1, 2)
  expect(await found(options)).toHaveLength(count)
})

it('come page by page', async () => {
  await send('a', 1, 2, 3)
  await send('b', 1)
  const all = await found()
  expect(all).toHaveLength(4)
  for (const [index, letter] of all.entries())
    expect(shown(await found({ after: letter }))).toEqual(shown(all.slice(index + 1)))
})

it('say all that there is, as JSON and for people, with nothing that steers a terminal', async () => {
  await send('a', 1)
  const [letter] = (await found()) as [FoundLetter]
  expect(wholeDocument(letter)).toMatchObject({
    letter: `${letter.partition}@${letter.offset}`,
    status: 'open',
    kind: 'order',
    key: 'a',
    number: 1,
    code: 'HANDLER_FAILED',
    attempts: 1,
    source: { topic: 'orders', time: '2026-01-01T00:00:00.000Z' },
    stack: expect.stringMatching(/cannot do 1/),
    record: { key: { text: 'a' }, value: { text: '{"id":"a","n":1}' }, headers: [] },
  })
  const text = wholeText(letter)
  expect(text).toContain('{"id":"a","n":1}')
  expect(text).toContain('\\u001b[31m')
  // oxlint-disable-next-line no-control-regex
  expect(`${text}${lineOf(letter).join(' ')}`).not.toMatch(/\u001b/)
})

it('can be bytes, tombstones, and what another program has written there', async () => {
  await send('a', 1)
  const record = { key: Buffer.from([0xff, 0]), value: null, timestamp: start, headers: [] }
  await appendRaw(driver.log, `${app}-dlq`, 0, [record])
  const [foreign] = (await found()).filter(({ status }) => status === 'foreign') as [FoundLetter]
  expect(wholeDocument(foreign)).toMatchObject({ record: { key: { base64: '/wA=' }, value: null, headers: [] } })
  expect(wholeText(foreign)).toContain('base64 /wA=')
  expect(shown(await found({ all: true }))).toContain('open a 1')
})

it('say when they were written, which is not the time of their records, and are found by it', async () => {
  await driver.send(orders, { id: 'a', n: 1 }, { key: 'a', timestamp: start - 5_000 })
  const [letter] = (await found()) as [FoundLetter]
  const time = (ms: number): string => new Date(ms).toISOString()
  expect(wholeDocument(letter)).toMatchObject({ written: time(start), source: { time: time(start - 5_000) } })
  expect(lineOf(letter).slice(5, 7)).toEqual([time(start - 5_000), time(start)])
  expect(wholeText(letter)).toContain(`written    ${time(start)}`)
  const { signal } = new AbortController()
  for (const [written, count] of [
    [{ since: start }, 1],
    [{ since: start + 1 }, 0],
    [{ until: start }, 0],
    [{ until: start + 1 }, 1],
  ] as const) {
    const search = { app, filter: {}, written, all: true, signal, onRead: () => undefined }
    const all: FoundLetter[] = []
    for await (const some of findLetters(driver.log, search)) all.push(...some)
    expect([written, all.length]).toEqual([written, count])
  }
})

it('are not there of an app that never ran', async () => {
  const search = { app: 'other', filter: {}, all: true, signal: new AbortController().signal, onRead: () => undefined }
  await expect(findLetters(driver.log, search).next()).rejects.toMatchObject({ exit: 'notFound' })
})

it('are all still there after a dry run, which says what would have been done', async () => {
  await send('a', 1, 2)
  bad.clear()
  const before = await Promise.all(['test-dlq', 'test-order-inbox'].map((name) => readRaw(driver.log, name)))
  const listed: string[] = []
  const report = await replayDeadLetters({
    id: app,
    log: dry(driver.log),
    edit: ({ key, letter }) => void listed.push(`${key} ${letter}`),
  })
  expect(report).toMatchObject({ replayed: 2, objects: 1 })
  expect(listed).toEqual(['a 1', 'a 2'])
  const after = await Promise.all(['test-dlq', 'test-order-inbox'].map((name) => readRaw(driver.log, name)))
  expect(after).toEqual(before)
  expect(await driver.replayDeadLetters()).toMatchObject({ replayed: 2 })
})
