import { z } from 'zod'
import { counter, CounterApp, id, lines } from '../../../test/counter-app.js'
import { appendRaw, readRaw } from '../../../test/raw-records.js'
import type { App } from '../../app/app.js'
import { avro } from '../../codec/avro/avro.js'
import { json } from '../../codec/json/json.js'
import { stateObject } from '../../model/state-object.js'
import type { StateCodec } from '../../state/state-codec.js'
import { session } from '../../model/window.js'
import { instanceAt } from '../frame/instance.js'
import { codecOf } from '../stored/values.js'
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

async function verified(kind: string, codec?: StateCodec): Promise<Findings> {
  const findings = new Findings(100)
  const instance = instanceAt(app.http?.url ?? '', undefined, 10_000, scan.signal)
  await verifyLive(counting.log, { app: id, kind, codec, instance }, findings, scan)
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

describe('without a program', () => {
  const exact = z.object({ n: z.bigint() })
  const small = z.object({ n: z.number() })
  const fractional = z.object({ n: z.number() })
  const byKey = (line: string): string => line.slice(0, 1)
  const balance = (to: number) => {
    const options = { state: exact, codec: json(exact, { integers: 'bigint' }), init: () => ({ n: 2n ** 60n }) }
    return stateObject('balance', options).on(lines, byKey, (state) => void (state.n += BigInt(to)))
  }
  const large = stateObject('large', { state: small, init: () => ({ n: 2 ** 62 }) }).on(lines, byKey, () => undefined)
  const packed = stateObject('packed', {
    state: fractional,
    codec: avro(fractional),
    init: () => ({ n: 0.5 }),
  }).on(lines, byKey, (state) => void state.n++)
  const first = stateObject('grown', { state: small, init: () => ({ n: 0 }) }).on(
    lines,
    byKey,
    (state) => void state.n++,
  )
  const wider = z.object({ n: z.number(), unit: z.string() })
  const second = stateObject('grown', { state: wider, version: 2, init: () => ({ n: 0, unit: 'EUR' }) })
    .migrate(1, (old: { n: number }) => ({ ...old, unit: 'EUR' }))
    .on(lines, byKey, (state) => void state.n++)

  beforeEach(async () => {
    await app.close()
    await counting.run(3, 4, { objects: [balance(1), large, packed, first] })
    app = await counting.start({ objects: [balance(1), large, packed, second], http: { port: 0 } })
    await counting.log.send(lines, ['a4'], { key: () => 'a' })
    await app.drained()
  })

  it.each([
    ['balance', 4, []],
    ['large', 4, []],
    ['packed', 0, [expect.stringMatching(/packed: what is stored is no JSON.*--program/)]],
    ['grown', 1, [expect.stringMatching(/grown: 3 objects that an older version has written.*--program/)]],
  ])('what cannot be told apart is no difference: %s', async (kind, compared, notes) => {
    const found = await verified(kind)
    expect([found.differences, found.compared.live, found.notes]).toEqual([[], compared, notes])
    expect(found.isNothing).toBe(compared === 0)
  })

  it.each([balance(1), large, packed, second])('and with one all is compared: $definition.name', async (object) => {
    const { name } = object.definition
    const found = await verified(name, codecOf(id, [object.definition], name))
    expect([found.differences, found.compared.live, found.notes]).toEqual([[], 4, []])
  })

  it('a difference of one in a number that no double holds is one', async () => {
    const [record] = (await readRaw(counting.log, 'app-balance-changelog')).filter(
      (each) => Buffer.from(each.key ?? []).toString() === 'b',
    )
    const value = Buffer.from(
      Buffer.from(record?.value ?? [])
        .toString()
        .replace(/\d}/, '0}'),
    )
    const key = Buffer.from('b')
    await appendRaw(counting.log, 'app-balance-changelog', record?.partition ?? 0, [
      { key, value, timestamp: 0, headers: [] },
    ])
    const { differences } = await verified('balance')
    expect(differences.map(({ is, expected, found }) => [is, expected, found])).toEqual([
      ['other', '{"n":"1152921504606846970"}', '{"n":"1152921504606846977"}'],
    ])
  })
})
