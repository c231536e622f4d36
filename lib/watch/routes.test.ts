import { z } from 'zod'
import { createApp } from '../app/create-app.js'
import { memoryLog } from '../app/logs.js'
import type { App } from '../app/app.js'
import { silentLogger } from '../core/logger.js'
import { stateObject } from '../model/state-object.js'
import { topic } from '../model/stream.js'
import type {
  LetterDetail,
  LetterPage,
  ObjectDetail,
  ObjectList,
  QuarantinedList,
  Snapshot,
  Topology,
  WarningList,
} from './overview/shapes.js'

const orders = topic('orders', z.object({ id: z.string(), n: z.number(), note: z.string().optional() }))
const totals = topic('totals', z.object({ n: z.number() }))

const order = stateObject('order', {
  state: z.object({ n: z.number(), note: z.string() }),
  init: () => ({ n: 0, note: '' }),
  emits: [totals],
})
  .timers({ close: z.object({ why: z.string() }) })
  .on(orders, { key: ({ id }) => id, onError: { attempts: 1 } }, (state, { n, note = '' }, turn) => {
    if (n === -1) throw new Error('negative')
    state.n += n
    state.note = note
    turn.emit(totals, { n: state.n })
    if (n === 7) turn.timer('close', '1h', { why: 'old' })
  })
  .onTimer('close', () => undefined)

const token = 'token-of-a-test-0123456789'

describe('the JSON of the monitor page', () => {
  it('tells of the whole app from any instance, and does what is asked wherever the object is', async () => {
    const log = memoryLog({ partitions: 4 })
    const make = (instanceId: string): App =>
      createApp({
        id: 'shop',
        objects: [order],
        log,
        createTopics: true,
        logger: silentLogger,
        instanceId,
        http: { port: 0, token },
      })
    await using one = make('one')
    await using two = make('two')
    await Promise.all([one.start(), two.start()])
    const ids = Array.from({ length: 12 }, (_, i) => `o${String(i).padStart(2, '0')}`)
    await log.send(orders, [
      ...ids.map((id) => ({ id, n: 7 })),
      { id: 'o03', n: -1 },
      { id: 'o03', n: 2 },
      { id: '<script>', n: 1 },
    ])
    await Promise.all([one.drained(), two.drained()])
    await one.drained()

    const { nodes, edges } = await get<Topology>(one, '/api/topology')
    expect(nodes.map(({ id }) => id)).toEqual(expect.arrayContaining(['topic:orders', 'topic:totals', 'kind:order']))
    expect(edges).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ from: 'topic:orders', to: 'kind:order', rate: 'read', topic: 'orders' }),
        expect.objectContaining({ from: 'kind:order', to: 'topic:totals', rate: 'written', topic: 'totals' }),
      ]),
    )

    for (const app of [one, two]) {
      const { members, group, asked } = await get<Snapshot>(app, '/api/overview')
      expect({ group, asked }).toEqual({ group: 'stable', asked: app === one ? 'one' : 'two' })
      expect(members.map(({ instance, away }) => [instance, away])).toEqual([
        ['one', undefined],
        ['two', undefined],
      ])
      const tasks = members.flatMap(({ report }) => report?.tasks ?? [])
      expect(tasks.map(({ task }) => task).sort()).toEqual([0, 1, 2, 3])
      const read = tasks.flatMap(({ partitions }) => partitions.filter((each) => each.topic === 'orders'))
      expect(read.reduce((sum, { position }) => sum + position, 0)).toBe(15)
      expect(members.reduce((sum, { report }) => sum + (report?.counts.deadLetters ?? 0), 0)).toBe(2)

      const all = await get<ObjectList>(app, '/api/objects?kind=order&limit=5')
      expect(all.objects.map(({ key }) => key)).toEqual(['<script>', 'o00', 'o01', 'o02', 'o03'])
      expect(all.more).toBe(true)
      const rest = await get<ObjectList>(app, `/api/objects?kind=order&limit=100&after=o03&prefix=o`)
      expect(rest).toMatchObject({ more: false, missing: [] })
      expect(rest.objects.map(({ key }) => key)).toEqual(ids.slice(4))

      const detail = await get<ObjectDetail>(app, '/api/object?kind=order&key=o05')
      expect(detail.state?.text).toBe('{\n  "n": 7,\n  "note": ""\n}')
      expect(detail.timers).toMatchObject([{ name: 'close', time: 'processing', payload: { text: '{"why":"old"}' } }])
      expect(await get<ObjectDetail>(app, '/api/object?kind=order&key=none')).not.toHaveProperty('state')
    }

    const { objects } = await get<QuarantinedList>(two, '/api/quarantined')
    expect(objects).toMatchObject([{ kind: 'order', key: 'o03', code: 'HANDLER_FAILED', letters: 2 }])
    const letters = await get<LetterPage>(one, '/api/letters?limit=1')
    expect(letters.letters).toMatchObject([
      { kind: 'order', key: 'o03', code: 'QUARANTINED', number: 2, status: 'open' },
    ])
    const before = await get<LetterPage>(two, `/api/letters?limit=1&before=${letters.next}`)
    expect(before.letters).toMatchObject([{ kind: 'order', code: 'HANDLER_FAILED', number: 1, status: 'open' }])
    const [{ partition, offset }] = before.letters as [LetterPage['letters'][number]]
    const letter = await get<LetterDetail>(two, `/api/letter?partition=${partition}&offset=${offset}`)
    expect(letter).toMatchObject({
      message: expect.stringContaining('negative'),
      stack: expect.stringContaining('Error: negative'),
    })
    expect(JSON.parse(letter.value.text)).toEqual({ id: 'o03', n: -1 })

    for (const app of [one, two])
      expect(await post(app, '/api/release', { kind: 'order', key: 'o00' })).toEqual({ released: false })
    const dropped = await post(two, '/api/letters/drop', { which: { letter: { partition, offset } }, reason: 'a test' })
    expect(dropped).toMatchObject({ dropped: 1, leftInAll: 0 })
    expect(await post(one, '/api/letters/replay', { only: { kind: 'order', key: 'o03' } })).toMatchObject({
      objects: 1,
    })
    await Promise.all([one.drained(), two.drained()])
    expect((await get<QuarantinedList>(one, '/api/quarantined')).objects).toEqual([])
    expect((await get<ObjectDetail>(two, '/api/object?kind=order&key=o03')).state?.text).toContain('"n": 9')
    const done = await get<LetterPage>(one, '/api/letters')
    expect(done.letters.map(({ status }) => status)).toEqual(done.letters.map(() => 'done'))
    expect(await get<WarningList>(one, '/api/warnings')).toMatchObject({ missing: [] })
  })
})

async function get<T>(app: App, path: string): Promise<T> {
  const response = await fetch(`${app.http?.url}${path}`, { headers: { authorization: `Bearer ${token}` } })
  const answer = (await response.json()) as T
  if (!response.ok) throw new Error(`${path}: ${JSON.stringify(answer)}`)
  return answer
}

async function post(app: App, path: string, body: unknown): Promise<unknown> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  const response = await fetch(`${app.http?.url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
  return response.json()
}
