import { z } from 'zod'
import { appendRaw, readRaw } from '../../../test/raw-records.js'
import { counter, CounterApp, id, lines, partitions } from '../../../test/counter-app.js'
import { json } from '../../codec/json/json.js'
import { stateObject } from '../../model/state-object.js'
import { topic } from '../../model/stream.js'
import { holdStores, type HeldStores } from '../../store/level/held-stores.js'
import { changelogOf } from '../stored/changelogs.js'
import { topicExtents } from '../../log/client/extents.js'
import { codecOf } from '../stored/values.js'
import { Findings } from './findings.js'
import { verifyPublished } from './published.js'
import { verifyStores } from './stores.js'

const scan = { signal: new AbortController().signal, onRead: () => undefined }
const rows = topic('rows', json(z.object({ key: z.string(), n: z.number() })), { partitions })

/** As the counter, and all can see it. Those that begin with d have no row. */
const published = stateObject('published', { state: z.object({ n: z.number() }), init: () => ({ n: 0 }) })
  .on(
    lines,
    (line) => line.slice(0, 1),
    (state) => void state.n++,
  )
  .publish(rows, ({ n }, key) => (key === 'd' ? null : { key, n }))

let counting: CounterApp
beforeEach(() => {
  counting = new CounterApp()
})
afterEach(() => counting.end())

const objects = [counter, published]

async function held(): Promise<HeldStores> {
  return holdStores((await counting.disk()) as string, id)
}

async function verifiedStores(): Promise<Findings> {
  const findings = new Findings(100)
  const names = [
    ['counter', 'app-counter-changelog'],
    ['published', 'app-published-changelog'],
    ['-timers', 'app-timers'],
  ] as const
  const kinds = []
  for (const [name, changelog] of names) {
    const stretches = (await topicExtents(counting.log, changelog)) ?? []
    const topicId = (await counting.log.admin.describe([changelog])).get(changelog)?.id ?? ''
    kinds.push({ name, stretches, topicId })
  }
  await using stores = await held()
  await verifyStores(counting.log, stores, kinds, findings, scan)
  return findings
}

async function verifiedRows(): Promise<Findings> {
  const findings = new Findings(100)
  const kind = {
    definition: published.definition,
    codec: codecOf(id, [published.definition], 'published'),
    stretches: () => changelogOf(counting.log, id, 'published'),
  }
  await verifyPublished(counting.log, [kind], findings, scan)
  return findings
}

/** Changes a store that nobody has open. */
async function damage(change: (put: (key: string, value: string | null) => void) => void): Promise<void> {
  await using stores = await held()
  for (const stopped of stores.stores) {
    const store = await stores.open(stopped)
    const batch = store.batch()
    change((key, value) => {
      // An object is where it is, and one that is nowhere comes to be in the first.
      if (store.get(key) === undefined && !(key.includes('__') && stopped.task === 0)) return
      if (value === null) batch.del(key)
      else batch.put(key, value)
    })
    await batch.write({ sync: false })
    await store.close()
  }
}

const shown = ({ differences }: Findings): string[] =>
  differences.map(({ in: where, is, kind, key }) => `${where} ${is} ${kind} ${key}`).sort()

describe('stores', () => {
  it('that are as the changelogs say have no differences, and every object is compared', async () => {
    await counting.run(0, 5, { objects })
    const findings = await verifiedStores()
    expect(shown(findings)).toEqual([])
    expect(findings.compared.store).toBeGreaterThanOrEqual(8)
    expect(findings.notes).toEqual([])
    expect(findings.behind).toBe(0)
  })

  it('that were damaged are found out: an object that is another, one that is missing, and one too many', async () => {
    await counting.run(0, 5, { objects })
    await damage((put) => {
      put('counter\0a', '{"n":100}')
      put('counter\0b', null)
      put('counter\0__proto__', '{"n":1}')
    })
    const findings = await verifiedStores()
    expect(shown(findings)).toEqual([
      'store extra counter __proto__',
      'store missing counter b',
      'store other counter a',
    ])
    expect(findings.differences.find(({ key }) => key === 'a')).toMatchObject({
      expected: '{"n":5}',
      found: '{"n":100}',
    })
  })

  it('that are behind are compared as far as they are', async () => {
    await counting.run(0, 2, { objects })
    // On another disk, so that the first one stays where it is.
    await counting.run(2, 4, { objects }, 1)
    const findings = await verifiedStores()
    expect(shown(findings)).toEqual([])
    expect(findings.behind).toBeGreaterThan(0)
  })

  it('of a changelog that was deleted are not compared, and that is said', async () => {
    await counting.run(0, 2)
    await counting.makeAnew('app-counter-changelog')
    const findings = await verifiedStores()
    expect(shown(findings)).toEqual([])
    expect(findings.notes.join()).toMatch(/a topic of that name that was deleted/)
  })

  it('that somebody has open are not touched', async () => {
    await using _app = await counting.start()
    await expect(verifiedStores()).rejects.toMatchObject({ code: 'STORE_FAILED' })
  })
})

describe('published rows', () => {
  const appended = (key: string, value: string | null, partition: number): Promise<void> => {
    const record = {
      key: Buffer.from(key),
      value: value === null ? null : Buffer.from(value),
      timestamp: 0,
      headers: [],
    }
    return appendRaw(counting.log, rows.name, partition, [record])
  }
  const partitionOf = async (key: string): Promise<number> =>
    (await readRaw(counting.log, rows.name)).find((record) => Buffer.from(record.key ?? []).toString() === key)
      ?.partition ?? 0

  it('that are as their objects say have no differences', async () => {
    await counting.run(0, 5, { objects })
    const findings = await verifiedRows()
    expect(shown(findings)).toEqual([])
    expect(findings.compared.row).toBe(3)
  })

  it('that say the same with other bytes have none either', async () => {
    await counting.run(0, 5, { objects })
    await appended('a', '{ "n": 5, "key": "a" }', await partitionOf('a'))
    const findings = await verifiedRows()
    expect(shown(findings)).toEqual([])
    expect(findings.compared.row).toBe(3)
  })

  it('that were damaged are found out: one that is another, one that is missing, and one too many', async () => {
    await counting.run(0, 5, { objects })
    await appended('a', '{"key":"a","n":6}', await partitionOf('a'))
    await appended('b', null, await partitionOf('b'))
    await appended('__proto__', '{"key":"x","n":1}', 0)
    await appended('c', 'no JSON', await partitionOf('c'))
    const findings = await verifiedRows()
    expect(shown(findings)).toEqual([
      'row extra published __proto__',
      'row missing published b',
      'row other published a',
      'row other published c',
    ])
    expect(findings.differences.find(({ key }) => key === 'a')).toMatchObject({
      expected: '{"key":"a","n":5}',
      found: '{"key":"a","n":6}',
      where: expect.stringMatching(/^rows\[\d\]@\d+$/),
    })
  })

  it('of an app that runs have none either', async () => {
    await using app = await counting.start({ objects, commitInterval: 1 })
    await counting.feed(app, 0, 1)
    let done = false
    const feeding = (async () => {
      for (let n = 1; !done; n++) await counting.feed(app, n, n + 1)
    })()
    for (let look = 0; look < 5; look++) expect(shown(await verifiedRows())).toEqual([])
    done = true
    await feeding
  })
})
