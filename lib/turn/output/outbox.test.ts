import fc from 'fast-check'
import { BatchRules } from '../../log/batch-rules.js'
import { batchBuilder } from '../../log/batch-builder.js'
import { recordCursor } from '../../log/cursor.js'
import { misfit } from '../../log/record-size.js'
import { Outbox, type OutgoingBatch } from './outbox.js'

const unlimited = (): Outbox => new Outbox(new BatchRules(), Infinity)

describe('an outbox', () => {
  it('keeps nothing of a commit that is given up, not even what waits for its topic', () => {
    const outbox = unlimited()
    outbox.add('known', 0, 'k', 'v', 0)
    outbox.route('unknown', undefined, 'k', 'v', 0)
    expect(outbox.empty).toBe(false)
    outbox.discard()
    expect(outbox.empty).toBe(true)
    expect(outbox.unknownTopics).toEqual([])
  })

  it('keeps the order of records that waited for their topic', () => {
    const outbox = unlimited()
    for (let i = 0; i < 3; i++) outbox.route('late', undefined, 'k', String(i), 0)
    expect(outbox.unknownTopics).toEqual([['late', undefined]])
    expect(outbox.settle('late', 4, 0)).toBe(true)
    const [batch, ...others] = outbox.finish()
    expect(batch).toMatchObject({ topic: 'late', batch: { records: 3 } })
    expect(others).toEqual([])
    expect(outbox.empty).toBe(true)
  })

  it('says when what waited for a topic is more than that takes', () => {
    const rules = new BatchRules()
    const outbox = new Outbox(rules, Infinity)
    outbox.route('late', undefined, 'k', 'x'.repeat(200), 0)
    rules.note('late', new Map([['max.message.bytes', '200']]))
    expect(outbox.settle('late', 4, 0)).toBe(false)
  })

  it('closes a batch before it grows large, whatever its topic takes', () => {
    const outbox = unlimited()
    for (let i = 0; i < 12; i++) outbox.add('t', 0, 'k', 'x'.repeat(100_000), 0)
    expect(outbox.bytes).toBeGreaterThan(800_000)
    expect(outbox.finish().map(({ batch }) => batch.records)).toEqual([8, 4])
  })

  it('makes batches that their topics take, of all that was found to fit, in order', () => {
    fc.assert(
      fc.property(
        fc.record({ a: limit, b: limit, changed: limit }),
        fc.constantFrom('none', 'gzip'),
        fc.array(record, { maxLength: 60, size: 'max' }),
        (limits, compression, records) => {
          const rules = new BatchRules()
          Object.assign(rules.of('a'), { maxBytes: limits.a, compression })
          rules.of('b').maxBytes = limits.b
          const outbox = new Outbox(rules, Infinity)
          const kept: Rec[] = []
          for (const [index, each] of records.entries()) {
            // A limit that is raised in between holds for what comes next.
            if (index === 30 && limits.changed > limits.b) rules.of('b').maxBytes = limits.changed
            const fits = misfit(rules.of(each.topic), Infinity, each.key, each.value, each.headers) === undefined
            expect(fits).toBe(loneBytes(each, rules) <= rules.of(each.topic).maxBytes)
            if (!fits) continue
            outbox.add(each.topic, each.partition, each.key, each.value, each.timestamp, each.headers)
            kept.push(each)
          }
          const batches = outbox.finish()
          for (const { topic, batch } of batches)
            expect(batch.bytes.length).toBeLessThanOrEqual(rules.of(topic).maxBytes)
          for (const at of places(kept))
            expect(batches.filter(isAt(at)).flatMap(recordsIn)).toEqual(kept.filter(isAt(at)).map(shown))
          expect(batches.reduce((sum, { batch }) => sum + batch.records, 0)).toBe(kept.length)
          expect(outbox.empty).toBe(true)
        },
      ),
    )
  })
})

interface Rec {
  readonly topic: 'a' | 'b'
  readonly partition: number
  readonly key: string | null
  readonly value: string | Uint8Array | null
  readonly timestamp: number
  readonly headers: Map<string, Uint8Array | null> | undefined
}

const limit = fc.integer({ min: 70, max: 6_000 })
const length = fc.oneof(fc.nat(40), fc.nat(1_500), fc.integer({ min: 1_000, max: 1_100 }), fc.nat(8_000))
const text = fc.tuple(fc.constantFrom('x', 'é', '鍵', '🔑'), length).map(([unit, n]) => unit.repeat(n))
const record: fc.Arbitrary<Rec> = fc.record({
  topic: fc.constantFrom('a', 'b'),
  partition: fc.nat(1),
  key: fc.option(text),
  value: fc.oneof(text, fc.uint8Array({ maxLength: 3_000, size: 'max' }), fc.constant(null)),
  timestamp: fc.nat(4_000_000_000_000),
  headers: fc.option(
    fc.tuple(text, fc.option(fc.uint8Array())).map((pair) => new Map([pair])),
    { nil: undefined },
  ),
})

function loneBytes({ topic, key, value, timestamp, headers }: Rec, rules: BatchRules): number {
  const builder = batchBuilder({ compression: rules.of(topic).compression })
  builder.add(key, value, timestamp, headers)
  const { length } = builder.finish().bytes
  return length
}

const places = (records: readonly Rec[]) => [
  ...new Map(records.map(({ topic, partition }) => [`${topic} ${partition}`, { topic, partition }])).values(),
]

const isAt =
  (at: { topic: string; partition: number }) =>
  ({ topic, partition }: { topic: string; partition: number }): boolean =>
    topic === at.topic && partition === at.partition

const hex = (bytes: string | Uint8Array): string => Buffer.from(bytes as string).toString('hex')

const shown = ({ key, value, timestamp, headers }: Rec): object => ({
  key: key === null ? null : hex(key),
  value: value === null ? null : hex(value),
  timestamp,
  headers: [...(headers ?? [])].map(([name, header]) => [name, header === null ? null : hex(header)]),
})

function recordsIn({ topic, partition, batch }: OutgoingBatch): object[] {
  const place = { topic, partition, from: 0, to: batch.records, highWatermark: 0, lastStableOffset: 0 }
  const cursor = recordCursor({ ...place, bytes: batch.bytes, isolation: 'all', aborted: [] })
  const found: object[] = []
  while (cursor.next()) {
    const { bytes, keyStart, keyEnd, valueStart, valueEnd, timestamp } = cursor
    found.push({
      key: keyStart < 0 ? null : bytes.toString('hex', keyStart, keyEnd),
      value: valueStart < 0 ? null : bytes.toString('hex', valueStart, valueEnd),
      timestamp,
      headers: [...cursor.headers()].map(([name, header]) => [name, header === null ? null : hex(header)]),
    })
  }
  return found
}
