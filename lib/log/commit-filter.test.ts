import * as fc from 'fast-check'
import { batchBuilder } from './batch-builder.js'
import { nextOffsetAt } from './format/batch-header.js'
import { recordCursor } from './cursor.js'
import { controlBatch, stampBaseOffset, stampBatch } from './format/stamp.js'
import type { Fetched, Isolation } from './port.js'

/** What three producers do to one partition; producer 0 is not transactional. */
type Step = { by: 0 | 1 | 2 | 3; does: 'write'; records: number } | { by: 1 | 2 | 3; does: 'commit' | 'abort' }

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      by: fc.constantFrom(0, 1, 2, 3),
      does: fc.constant('write' as const),
      records: fc.integer({ min: 1, max: 4 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ by: fc.constantFrom(1, 2, 3), does: fc.constantFrom('commit' as const, 'abort' as const) }),
  },
)

/** The model: one row per record, with what became of its transaction. */
interface Written {
  readonly batches: readonly Buffer[]
  readonly visible: readonly number[]
  readonly records: readonly number[]
  readonly aborted: readonly { readonly by: bigint; readonly first: number; readonly last: number }[]
  readonly end: number
}

function play(steps: readonly Step[]): Written {
  const batches: Buffer[] = []
  const outcome = new Map<number, 'visible' | 'hidden'>()
  const aborted: { by: bigint; first: number; last: number }[] = []
  const open = new Map<number, number[]>()
  let offset = 100
  const put = (bytes: Buffer, records: number): void => {
    stampBaseOffset(bytes, 0, offset)
    batches.push(bytes)
    offset += records
  }
  const write = (by: number, records: number): void => {
    const builder = batchBuilder()
    for (let index = 0; index < records; index++) {
      // A key that looks like an abort marker's.
      builder.add(Buffer.alloc(4), `by ${by}`, 1)
      outcome.set(offset + index, by === 0 ? 'visible' : 'hidden')
      if (by > 0) open.set(by, [...(open.get(by) ?? []), offset + index])
    }
    const { bytes } = builder.finish()
    stampBatch(bytes, {
      producerId: BigInt(by) - (by === 0 ? 1n : 0n),
      producerEpoch: 0,
      baseSequence: 0,
      transactional: by > 0,
    })
    put(bytes, records)
  }
  const end = (by: number, type: 'commit' | 'abort'): void => {
    const offsets = open.get(by)
    if (offsets === undefined) return
    open.delete(by)
    if (type === 'abort') aborted.push({ by: BigInt(by), first: offsets[0]!, last: offset })
    else for (const one of offsets) outcome.set(one, 'visible')
    put(controlBatch(type, BigInt(by), 0, 1), 1)
  }
  for (const one of steps) {
    if (one.does === 'write') write(one.by, one.records)
    else end(one.by, one.does)
  }
  for (const by of open.keys()) end(by, 'commit')
  const visible = [...outcome].filter(([, seen]) => seen === 'visible').map(([at]) => at)
  return { batches, visible, records: [...outcome.keys()], aborted, end: offset }
}

function transaction(outcome: 'commit' | 'abort'): Step[] {
  return [
    { by: 1, does: 'write', records: 2 },
    { by: 1, does: outcome },
  ]
}

/** As a broker answers: from the batch that holds `from`, cut anywhere, with the aborted transactions that reach into it. */
function answer({ batches, aborted, end }: Written, from: number, size: number, isolation: Isolation): Fetched {
  const first = batches.findIndex((batch) => nextOffsetAt(batch, 0) > from)
  const whole = first < 0 ? Buffer.alloc(0) : Buffer.concat(batches.slice(first))
  const bytes = whole.subarray(0, Math.max(size, batches[first]?.length ?? 0))
  // In the order the transactions ended, which is not that of their first offsets.
  const reaching = aborted.filter(({ last }) => last >= from).map(({ by, first }) => [by, first] as const)
  return {
    topic: 't',
    partition: 0,
    bytes,
    from,
    to: 0,
    isolation,
    aborted: reaching,
    highWatermark: end,
    lastStableOffset: end,
  }
}

function readInAnswers(written: Written, from: number, sizes: readonly number[], isolation: Isolation): number[] {
  const offsets: number[] = []
  for (let position = from, turn = 0; position < written.end; turn++) {
    const cursor = recordCursor(answer(written, position, sizes[turn % sizes.length]!, isolation))
    while (cursor.next()) offsets.push(cursor.offset)
    expect(cursor.nextOffset).toBeGreaterThan(position)
    position = cursor.nextOffset
  }
  return offsets
}

const schedule = fc.record({
  steps: fc.array(step, { minLength: 1, maxLength: 40 }),
  sizes: fc.array(fc.integer({ min: 0, max: 1500 }), { minLength: 1, maxLength: 5 }),
  skip: fc.nat(30),
})

it('shows a committed reader exactly what was committed, however answers are cut and wherever they begin', () => {
  fc.assert(
    fc.property(schedule, ({ steps, sizes, skip }) => {
      const written = play(steps)
      const expected = written.visible.filter((offset) => offset >= 100 + skip)
      expect(readInAnswers(written, 100 + skip, sizes, 'committed')).toEqual(expected)
    }),
    { numRuns: 500 },
  )
})

it.each<[string, Step[]]>(
  [
    ['aborts twice with nothing in between', ['abort', 'abort']],
    ['commits between two aborts', ['abort', 'commit', 'abort']],
    ['aborts between two commits', ['commit', 'abort', 'commit']],
  ].map(([name, outcomes]) => [name as string, (outcomes as ('commit' | 'abort')[]).flatMap(transaction)]),
)('is right for a producer that %s', (_, steps) => {
  const written = play(steps)
  expect(readInAnswers(written, 100, [100_000], 'committed')).toEqual(written.visible)
})

it('hides only transactional batches of a producer with an aborted transaction', () => {
  const builder = batchBuilder()
  builder.add('k', 'v', 1)
  const { bytes } = builder.finish()
  stampBatch(bytes, { producerId: 1n, producerEpoch: 0, baseSequence: 0, transactional: false })
  const facts = { topic: 't', partition: 0, from: 0, to: 1, highWatermark: 1, lastStableOffset: 1 }
  const cursor = recordCursor({ ...facts, bytes, isolation: 'committed', aborted: [[1n, 0]] })
  expect(cursor.next()).toBe(true)
})

it('shows a reader of all every record but no control record', () => {
  fc.assert(
    fc.property(schedule, ({ steps, sizes, skip }) => {
      const written = play(steps)
      const expected = written.records.filter((offset) => offset >= 100 + skip)
      expect(readInAnswers(written, 100 + skip, sizes, 'all')).toEqual(expected)
    }),
  )
})
