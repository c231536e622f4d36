import { z } from 'zod'
import { faultyLog } from '../../test/faulty-log.js'
import { Instance } from '../../test/instances.js'
import { MillraceError } from '../core/errors.js'
import { memoryLog } from '../memory/memory-log.js'
import { stateObject } from '../model/state-object.js'
import { topic } from '../model/stream.js'
import { readAll } from '../../test/reading.js'
import { bytes } from '../codec/codec.js'
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
})
