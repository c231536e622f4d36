import { z } from 'zod'
import { counter, CounterApp, id, lines } from '../../../test/counter-app.js'
import { appendRaw, readRaw } from '../../../test/raw-records.js'
import type { App } from '../../app/app.js'
import { stateObject } from '../../model/state-object.js'
import { session } from '../../model/window.js'
import { instanceAt } from '../frame/instance.js'
import { Findings } from './findings.js'
import { verifyLive } from './live.js'

const scan = { signal: new AbortController().signal, onRead: () => undefined }
const visit = stateObject('visit', {
  state: z.object({ n: z.number() }),
  init: () => ({ n: 0 }),
  window: session<{ n: number }>('30m', { merge: (one, other) => ({ n: one.n + other.n }) }),
}).on(
  lines,
  (line) => line.slice(0, 1),
  (state) => void state.n++,
)

let counting: CounterApp
let app: App
beforeEach(async () => {
  counting = new CounterApp()
  app = await counting.start({ objects: [counter, visit], http: { port: 0 } })
  await counting.feed(app, 0, 3)
})
afterEach(() => counting.end())

async function verified(kind: string): Promise<Findings> {
  const findings = new Findings(100)
  const instance = instanceAt(app.http?.url ?? '', undefined, 10_000, scan.signal)
  await verifyLive(counting.log, { app: id, kind, codec: undefined, instance }, findings, scan)
  return findings
}

it('has no differences while it goes on', async () => {
  let done = false
  const feeding = (async () => {
    for (let n = 3; !done; n++) await counting.feed(app, n, n + 1)
  })()
  for (let look = 0; look < 3; look++) {
    const { differences, compared } = await verified('counter')
    expect([differences, compared.live]).toEqual([[], 4])
  }
  done = true
  await feeding
})

it('is found out when its changelog says something else', async () => {
  const changelog = 'app-counter-changelog'
  const found = await readRaw(counting.log, changelog)
  const partitionOf = (key: string): number =>
    found.find((record) => Buffer.from(record.key ?? []).toString() === key)?.partition ?? 0
  const put = (key: string, value: string | null): Promise<void> =>
    appendRaw(counting.log, changelog, partitionOf(key), [
      { key: Buffer.from(key), value: value === null ? null : Buffer.from(value), timestamp: 0, headers: [] },
    ])
  await put('a', '{"n":100}')
  await put('b', null)
  const { differences } = await verified('counter')
  expect(differences.map(({ is, key, expected, found: told }) => [is, key, expected, told])).toEqual([
    ['other', 'a', '{"n":100}', '{"n":3}'],
    ['extra', 'b', undefined, '{"n":3}'],
  ])
})

it('is not compared where the changelog has several objects in one', async () => {
  const { differences, notes } = await verified('visit')
  expect(differences).toEqual([])
  expect(notes.join()).toMatch(/open sessions/)
})
