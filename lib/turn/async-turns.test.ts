import { z } from 'zod'
import { stateObject } from '../model/state-object.js'
import { topic } from '../model/stream.js'
import type { Turn } from '../model/turn.js'
import { Driver, testDriver } from '../testing/driver.js'

const calls = topic('calls', z.object({ id: z.string(), n: z.number() }))
const answers = topic('answers', z.object({ id: z.string(), n: z.number() }))
const dlq = topic('test-dlq', z.object({ id: z.string(), n: z.number() }))

const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** What goes on, as handlers see it. */
class Bench {
  running = 0
  most = 0
  readonly order: string[] = []
  readonly busy = new Set<string>()
  overlaps = 0

  async work(id: string, n: number): Promise<void> {
    if (this.busy.has(id)) this.overlaps++
    this.busy.add(id)
    this.most = Math.max(this.most, ++this.running)
    for (let i = 0; i < 1 + (n % 3); i++) await tick()
    this.running--
    this.busy.delete(id)
    this.order.push(`${id}${n}`)
  }
}

function program(
  bench: Bench,
  then: (n: number, turn: Turn) => void | Promise<void> = () => undefined,
  turnTimeout = 10_000,
) {
  return stateObject('call', { state: z.object({ seen: z.array(z.number()) }), init: () => ({ seen: [] }) }).on(
    calls,
    { key: ({ id }) => id, onError: { attempts: 2, backoff: '1s' }, turnTimeout },
    async (state, { id, n }, turn) => {
      await bench.work(id, n)
      state.seen.push(n)
      turn.emit(answers, { id, n })
      await then(n, turn)
    },
  )
}

const sequence = (ids: readonly string[], each: number) =>
  Array.from({ length: each }, (_, n) => ids.map((id) => ({ id, n }))).flat()

describe('asynchronous handlers', () => {
  it('run one at a time on each object, in order, and at the same time on different ones', async () => {
    const bench = new Bench()
    const call = program(bench)
    await using driver = testDriver({ objects: [call], partitions: 2 })
    const ids = Array.from({ length: 50 }, (_, i) => `k${i}`)
    await driver.sendAll(calls, sequence(ids, 20), { key: ({ id }) => id })
    for (const id of ids) {
      expect(driver.state(call, id)?.seen).toEqual(Array.from({ length: 20 }, (_, n) => n))
      expect(driver.output(answers).flatMap(({ value }) => (value?.id === id ? [value.n] : []))).toHaveLength(20)
    }
    expect(bench.overlaps).toBe(0)
    expect(bench.most).toBeGreaterThan(10)
    expect(bench.most).toBeLessThanOrEqual(256)
  })

  it.each(['turn', 'before-end', 'after-end', 'before-store'] as const)(
    'count once through a crash at %s',
    async (step) => {
      const call = program(new Bench())
      await using driver = testDriver({ failures: 'expect', objects: [call], partitions: 2 })
      await driver.crash(step)
      await driver.sendAll(calls, sequence(['a', 'b', 'c'], 30), { key: ({ id }) => id })
      for (const id of ['a', 'b', 'c'])
        expect(driver.state(call, id)?.seen).toEqual(Array.from({ length: 30 }, (_, n) => n))
      expect(driver.output(answers)).toHaveLength(90)
      expect(driver.crashes).toBe(1)
    },
  )

  it('that fail leave nothing behind, and hold up their object only', async () => {
    let broken = true
    const call = program(new Bench(), (n) => {
      if (broken && n === 1) throw new Error('no')
    })
    await using driver = testDriver({ failures: 'expect', objects: [call], partitions: 1 })
    await driver.sendAll(calls, [...sequence(['a'], 4), { id: 'b', n: 0 }])
    expect(driver.state(call, 'a')).toEqual({ seen: [0] })
    expect(driver.state(call, 'b')).toEqual({ seen: [0] })
    broken = false
    await driver.advance('1s')
    expect(driver.state(call, 'a')).toEqual({ seen: [0, 1, 2, 3] })
    expect(
      driver
        .output(answers)
        .map(({ value }) => `${value?.id}${value?.n}`)
        .sort(),
    ).toEqual(['a0', 'a1', 'a2', 'a3', 'b0'])
  })

  it('that take too long are cut off: their signal aborts, and what they do later has no effect', async () => {
    const late: unknown[] = []
    let hang = true
    const call = program(
      new Bench(),
      async (n, turn) => {
        if (n !== 1 || !hang) return
        hang = false
        await new Promise((resolve) => turn.signal.addEventListener('abort', resolve))
        late.push(turn.signal.reason)
        try {
          turn.emit(answers, { id: 'late', n: -1 })
        } catch (error) {
          late.push(error)
        }
      },
      200,
    )
    await using driver = testDriver({ failures: 'expect', objects: [call], partitions: 1 })
    await driver.sendAll(calls, sequence(['a'], 3))
    expect(driver.state(call, 'a')).toEqual({ seen: [0] })
    expect(late).toMatchObject([{ code: 'TURN_TIMEOUT' }, { code: 'TURN_ENDED' }])
    await driver.advance('1s')
    expect(driver.state(call, 'a')).toEqual({ seen: [0, 1, 2] })
    expect(driver.output(answers).some(({ value }) => value?.id === 'late')).toBe(false)
    expect(driver.output(dlq)).toEqual([])
  })

  it('forget who waits for their object when all is done again: each record has its turn once', async () => {
    const marks = topic('marks', calls.codec)
    let failed = false
    let waiting = 0
    const call = stateObject('call', { state: z.object({ seen: z.array(z.number()) }), init: () => ({ seen: [] }) })
      .on(
        calls,
        ({ id }) => id,
        async (state, { n }) => {
          // Until the others stand behind it, or have been there.
          while (n === 1 && waiting < 3) await tick()
          state.seen.push(-n)
        },
      )
      .on(
        marks,
        ({ id }) => {
          waiting++
          return id
        },
        (state, { id, n }, turn) => {
          state.seen.push(n)
          turn.emit(answers, { id, n })
          if (n !== 1 || failed) return
          failed = true
          throw new Error('once, after the object was changed in the same commit')
        },
      )
    await using driver = new Driver({ failures: 'expect', objects: [call], partitions: 1 })
    await driver.send(calls, { id: 'a', n: 0 })
    // No calls of the driver, which would wait for each other.
    await Promise.all([
      driver.log.send(calls, [{ id: 'a', n: 1 }]),
      driver.log.send(
        marks,
        [1, 2, 3].map((n) => ({ id: 'a', n })),
      ),
    ])
    await driver.advance('1s')
    const seen = driver.state(call, 'a')?.seen ?? []
    expect(seen).toHaveLength(5)
    expect(seen.filter((n) => n > 0)).toEqual([1, 2, 3])
    expect(driver.output(answers).map(({ value }) => value?.n)).toEqual([1, 2, 3])
  })
})
