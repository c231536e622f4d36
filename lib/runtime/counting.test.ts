import fc from 'fast-check'
import { z } from 'zod'
import { faultyLog } from '../../test/faulty-log.js'
import { Instance } from '../../test/instances.js'
import { readAll } from '../../test/reading.js'
import { runs } from '../../test/runs.js'
import { bytes } from '../codec/codec.js'
import { MillraceError } from '../core/errors.js'
import { memoryLog } from '../memory/memory-log.js'
import { stateObject } from '../model/state-object.js'
import { topic } from '../model/stream.js'
import { tumbling } from '../model/window.js'
import { drained } from './drain.js'

const orders = topic('orders', z.object({ id: z.string().nullable(), n: z.number() }))

/** The same topic for a producer that does not know what is allowed. */
const anything = topic('orders', z.unknown())

/** Fails for good on negative numbers. */
const order = stateObject('order', { state: z.object({ n: z.number() }), init: () => ({ n: 0 }) }).on(
  orders,
  { key: ({ id }) => id, route: 'shuffle', onError: { attempts: 1 } },
  (state, { n }) => {
    state.n += n
    if (n < 0) throw new Error('negative')
  },
)

const values = [
  ...[1, 2, -1, 3, 4].map((n) => ({ id: 'a', n })),
  ...[1, 2].map((n) => ({ id: 'b', n })),
  { id: null, n: 0 },
  { id: 7, n: 0 },
]
const wanted = { turns: 4, hops: 7, dropped: 1, refused: 1, failed: 1, deadLetters: 4, skipped: 0 }

describe('what is counted', () => {
  it.each([0, 1, 3])('counts once, however often it is done: %i commits are not made', async (refusals) => {
    const log = memoryLog({ partitions: 2 })
    await log.send(anything, values)
    let left = refusals
    const error = new MillraceError('COMMIT_ABORTED', 'not this time')
    const refuse = () => (left > 0 ? (left--, { error, done: false }) : undefined)
    const wrap = (port: Parameters<typeof faultyLog>[0]) =>
      faultyLog(port, (step) => (step === 'offsets' ? refuse() : undefined))
    const { engine } = new Instance({ log, objects: [order], wrap })
    await engine.start()
    await drained(engine)
    expect(engine.stats).toMatchObject({ ...wanted, rollbacks: refusals })
    expect(await readAll(log, topic('words-dlq', bytes()))).toHaveLength(wanted.deadLetters)
    expect(engine.stats.records).toBeGreaterThan(values.length)
    await engine.stop(1_000)
  })

  it('agrees with a fold, and with the letters that there are, whatever fails and however often commits are not made', async () => {
    const at = topic('orders', z.object({ id: z.string().nullable(), n: z.number() }), {
      timestamp: () => 1_700_000_000_000,
    })
    const schema = { state: z.object({ n: z.number() }), init: () => ({ n: 0 }) }
    const take = (state: { n: number }, { n }: { n: number }): void => {
      state.n += n
      if (n < 0) throw new Error('negative')
    }
    const later = async (state: { n: number }, value: { n: number }): Promise<void> => {
      await Promise.resolve()
      take(state, value)
    }
    const input = { key: ({ id }: { id: string | null }) => id, onError: { attempts: 1 } }
    const objects = [
      stateObject('plain', schema).on(at, input, take),
      stateObject('hopped', schema).on(at, { ...input, route: 'shuffle' }, take),
      stateObject('later', schema).on(at, input, later),
      stateObject('windowed', { ...schema, window: tumbling('1h') }).on(at, input, take),
    ]
    const record = fc.record({
      id: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 7),
      n: fc.integer({ min: -1, max: 12 }),
    })
    const schedule = fc.record({
      records: fc.array(record, { minLength: 1, maxLength: 120 }),
      faults: fc.array(fc.boolean(), { maxLength: 8 }),
    })
    await fc.assert(
      fc.asyncProperty(schedule, async ({ records, faults }) => {
        const log = memoryLog({ partitions: 2 })
        await log.send(anything, records, { key: (value) => String((value as { id: unknown }).id) })
        const left = [...faults]
        const error = new MillraceError('COMMIT_ABORTED', 'not this time')
        const wrap = (port: Parameters<typeof faultyLog>[0]) =>
          faultyLog(port, (step) => (step === 'offsets' && left.shift() === true ? { error, done: false } : undefined))
        const { engine } = new Instance({ log, objects, wrap })
        await engine.start()
        await drained(engine)
        const { turns, failed, refused, deadLetters } = engine.stats
        await engine.stop(1_000)
        expect({ turns, failed, refused, deadLetters }).toEqual(folded(records, objects.length))
        expect(await readAll(log, topic('words-dlq', bytes()))).toHaveLength(deadLetters)
      }),
      { numRuns: runs(15, 100) },
    )
  })
})

/** The same for every kind: after the first that fails all of its object are dead letters. */
function folded(records: readonly { id: string | number; n: number }[], kinds: number) {
  const dead = new Set<string>()
  const counts = { turns: 0, failed: 0, refused: 0, deadLetters: 0 }
  for (const { id, n } of records) {
    if (typeof id === 'number') {
      counts.refused++
      counts.deadLetters++
      continue
    }
    if (!dead.has(id) && n >= 0) {
      counts.turns += kinds
      continue
    }
    counts.deadLetters += kinds
    if (!dead.has(id)) counts.failed += kinds
    dead.add(id)
  }
  return counts
}
