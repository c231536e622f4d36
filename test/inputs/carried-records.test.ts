import fc from 'fast-check'
import { bytes, stateObject, topic, type Stream } from 'millrace'
import { z } from 'zod'
import { Driver } from '../../lib/testing/driver.js'
import type { CrashStep } from '../../lib/testing/life.js'
import { runs } from '../runs.js'
import { appendRaw, readRaw, type FoundRecord, type RawRecord } from '../raw-records.js'

const utf8 = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text))
const hex = (content: Uint8Array | null): string | null => content && Buffer.from(content).toString('hex')

/** Names that are ours where we write them, and nothing where they come from outside. */
const suspicious = [
  'mr-hop',
  'mr-l',
  'mr-i',
  'millrace.headers',
  'millrace.letter',
  'millrace.app',
  'millrace.key',
  'v',
]
const name = fc.oneof(fc.constantFrom(...suspicious).map(utf8), fc.uint8Array({ maxLength: 6 }))
const content = fc.option(fc.oneof({ weight: 9, arbitrary: fc.uint8Array({ maxLength: 40 }) }, large(fc.nat(400_000))))
const header = fc.tuple(name, content)

function large(size: fc.Arbitrary<number>): { weight: number; arbitrary: fc.Arbitrary<Uint8Array> } {
  return { weight: 1, arbitrary: size.map((length) => new Uint8Array(length).fill(200)) }
}

const now = Date.UTC(2026, 0, 1)
const record: fc.Arbitrary<RawRecord> = fc.record({
  key: content,
  value: content,
  timestamp: fc.constantFrom(now, now + 3_000_000, 1, 0),
  headers: fc.array(header, { maxLength: 4 }),
})

/** What is odd about event times: they need not be what a broker takes. */
const eventTimes = [now, -1, -62_135_596_800_000, now * 2, 1.5, 8_640_000_000_000_000]
const timeOf = (value: Uint8Array): number => Math.floor(eventTimes[value.length % eventTimes.length] as number)

const source = topic('source', bytes(), { timestamp: timeOf, key: bytes() })
const out = topic('out', bytes())

/** An object of a class: it has no form in which it could travel. */
class Part {
  readonly index: number
  #value: Uint8Array | null | undefined

  constructor(value: Uint8Array | null, index: number) {
    this.#value = value
    this.index = index
  }

  /** Once: whoever is given what another attempt has used gets nothing. */
  take(): Uint8Array {
    const taken = this.#value
    this.#value = undefined
    if (taken === undefined) throw new Error('taken before')
    return taken ?? utf8('tombstone')
  }
}

const parts = {
  one: (stream: Stream<Uint8Array | null>) => stream.map((value) => new Part(value, 0)),
  three: (stream: Stream<Uint8Array | null>) => stream.flatMap((value) => [0, 1, 2].map((i) => new Part(value, i))),
}

interface Journey {
  readonly records: readonly RawRecord[]
  readonly steps: keyof typeof parts
  readonly route: 'auto' | 'shuffle'
  /** Where the process dies when the records come, and when their letters are replayed. */
  readonly crashes: readonly (CrashStep | undefined)[]
}

const crash = fc.constantFrom(undefined, 'turn', 'before-end', 'after-end', 'before-store' as const)
const journey: fc.Arbitrary<Journey> = fc.record({
  records: fc.array(record, { minLength: 1, maxLength: 5 }),
  steps: fc.constantFrom('one', 'three'),
  route: fc.constantFrom('auto', 'shuffle'),
  crashes: fc.array(crash as fc.Arbitrary<CrashStep | undefined>, { minLength: 3, maxLength: 3 }),
})

interface Seen {
  readonly place: string
  readonly at: number
  readonly key: string | null
  readonly names: string
}

async function travel({ records, steps, route, crashes }: Journey): Promise<void> {
  let fails = true
  const seen = new Map<string, Seen>()
  const kind = stateObject('part', { state: z.object({ n: z.number() }), init: () => ({ n: 0 }) }).on(
    parts[steps](source.withTombstones()),
    {
      key: (part, { partition, offset }) => `${partition}@${offset}/${part.index}\0|`,
      route,
      onError: { attempts: 2, backoff: '1s' },
    },
    (state, part, turn) => {
      state.n++
      const value = part.take()
      const { topic: from, partition, offset, timestamp, key, headers } = turn.record
      const names = [...headers].map(([each, content]) => `${each}=${hex(content)}`).join()
      seen.set(turn.key, { place: `${from}[${partition}]@${offset}`, at: timestamp, key, names })
      if (fails) throw new Error('fails')
      turn.emit(out, value, { timestamp: now })
    },
  )
  await using driver = new Driver({ failures: 'expect', objects: [kind] })
  await driver.advance('1ms')
  await appendRaw(driver.log, 'source', 1, records)
  const sent = (await readRaw(driver.log, 'source')).map((each) => ({
    ...each,
    at: each.value ? timeOf(each.value) : each.timestamp,
  }))
  const copies = steps === 'one' ? 1 : 3

  if (crashes[0] !== undefined) await driver.crash(crashes[0])
  await driver.advance('1s')
  await driver.advance('1s')
  expectLetters(await readRaw(driver.log, 'test-dlq'), sent, copies)
  expectSeen(seen, sent, copies)

  if (crashes[1] !== undefined) await driver.crash(crashes[1])
  await driver.replayDeadLetters()
  await driver.advance('1s')
  await driver.advance('1s')
  expectLetters(await readRaw(driver.log, 'test-dlq'), [...sent, ...sent], copies)

  fails = false
  seen.clear()
  if (crashes[2] !== undefined) await driver.crash(crashes[2])
  await driver.replayDeadLetters()
  await driver.advance('1s')
  expectLetters(await readRaw(driver.log, 'test-dlq'), [...sent, ...sent], copies)
  expectSeen(seen, sent, copies)
  const given = driver.output(out).map(({ value }) => hex(value))
  const wanted = sent.flatMap(({ value }) => Array.from({ length: copies }, () => hex(value ?? utf8('tombstone'))))
  expect(given.sort()).toEqual(wanted.sort())
}

interface Sent extends FoundRecord {
  /** Its event time. */
  readonly at: number
}

const shown = ({ key, value, headers }: RawRecord): string =>
  JSON.stringify([hex(key), hex(value), headers.map(([each, content]) => [hex(each), hex(content)])])

function expectLetters(letters: readonly FoundRecord[], sent: readonly Sent[], copies: number): void {
  const found = letters.map((letter) => {
    const last = letter.headers.at(-1) as readonly [Uint8Array, Uint8Array]
    expect(Buffer.from(last[0]).toString()).toBe('millrace.headers')
    const ours = letter.headers.slice(-Number(Buffer.from(last[1]).toString()))
    const of = new Map(
      ours.map(([each, content]) => [Buffer.from(each).toString(), Buffer.from(content ?? []).toString()]),
    )
    const headers = letter.headers.slice(0, letter.headers.length - ours.length)
    const place = ['topic', 'partition', 'offset', 'timestamp'].map((each) => of.get(`millrace.source.${each}`))
    return [of.get('millrace.app'), of.get('millrace.error.code'), ...place, shown({ ...letter, headers })].join(' ')
  })
  const wanted = sent.flatMap((each) => {
    const place = `source ${each.partition} ${each.offset} ${each.at}`
    return Array.from({ length: copies }, () => `test HANDLER_FAILED ${place} ${shown(each)}`)
  })
  expect(found.sort()).toEqual(wanted.sort())
}

function expectSeen(seen: ReadonlyMap<string, Seen>, sent: readonly Sent[], copies: number): void {
  const wanted = sent.flatMap(({ partition, offset, key, headers, at }) => {
    const last = new Map(headers.map(([each, content]) => [Buffer.from(each).toString(), content]))
    const names = [...last].map(([each, content]) => `${each}=${hex(content)}`).join()
    const text = key && hex(key)
    const one = { place: `source[${partition}]@${offset}`, at, key: text, names }
    return Array.from({ length: copies }, (_, i) => [`${partition}@${offset}/${i}\0|`, one] as const)
  })
  expect(seen).toEqual(new Map(wanted))
}

describe('a record', () => {
  it('arrives as it was sent, through hops, attempts, quarantine, dead letters, replays and crashes', async () => {
    await fc.assert(fc.asyncProperty(journey, travel), { numRuns: runs(8, 200) })
  }, 300_000)
})
