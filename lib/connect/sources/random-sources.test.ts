import fc from 'fast-check'
import { faultyLog, type Fault, type Step } from '../../../test/faulty-log.js'
import { readAll } from '../../../test/reading.js'
import { arraySource, hastyClock, runnerOptions, until, untilAborted } from '../../../test/source-world.js'
import { text } from '../../codec/codec.js'
import { MillraceError } from '../../core/errors.js'
import { systemClock } from '../../core/clock.js'
import type { LogPort } from '../../log/port.js'
import { memoryLog, type MemoryLog } from '../../memory/memory-log.js'
import { topic } from '../../model/stream.js'
import { Life, type CrashStep } from '../../testing/life.js'
import { source } from '../definitions.js'
import type { SourceBatch, SourceConnector, SourceRecord } from '../source.js'
import { SourceRunner } from './source-runner.js'

const lines = topic('lines', text())

type Move =
  | { readonly move: 'start' | 'close' | 'wait' | 'compact' }
  | { readonly move: 'kill'; readonly at: CrashStep | undefined }
  | {
      readonly move: 'fail'
      readonly step: Step
      readonly code: 'BROKER_REFUSED' | 'COMMIT_ABORTED' | 'OUTCOME_UNKNOWN' | 'FENCED'
      readonly done: boolean
    }

const move: fc.Arbitrary<Move> = fc.oneof(
  fc.record({
    move: fc.constantFrom(
      'start' as const,
      'start' as const,
      'close' as const,
      'wait' as const,
      'wait' as const,
      'compact' as const,
    ),
  }),
  fc.record({
    move: fc.constant('kill' as const),
    at: fc.constantFrom<CrashStep | undefined>(undefined, 'turn', 'before-end', 'after-end'),
  }),
  fc.constantFrom<Move>(
    { move: 'fail', step: 'begin', code: 'BROKER_REFUSED', done: false },
    { move: 'fail', step: 'begin', code: 'FENCED', done: false },
    { move: 'fail', step: 'append', code: 'BROKER_REFUSED', done: false },
    { move: 'fail', step: 'append', code: 'BROKER_REFUSED', done: true },
    { move: 'fail', step: 'commit', code: 'COMMIT_ABORTED', done: false },
    { move: 'fail', step: 'commit', code: 'OUTCOME_UNKNOWN', done: false },
    { move: 'fail', step: 'commit', code: 'OUTCOME_UNKNOWN', done: true },
  ),
)

interface Process {
  readonly life: Life
  readonly runner: SourceRunner
  dead: boolean
}

/** Processes of an app with one source, that are started, stopped and killed. */
class World {
  readonly log = memoryLog({ partitions: 3 })
  readonly #connector: () => SourceConnector<any>
  readonly #processes: Process[] = []
  readonly #faults: Fault[] = []
  #failing: Step | undefined

  constructor(connector: () => SourceConnector<any>) {
    this.#connector = connector
  }

  get #alive(): Process[] {
    return this.#processes.filter(({ dead }) => !dead)
  }

  async make(given: Move): Promise<void> {
    if (given.move === 'start' && this.#alive.length < 3) this.#start()
    if (given.move === 'compact') await this.log.compact('app-orders-positions').catch(() => undefined)
    const [process] = this.#alive
    if (given.move === 'close') {
      if (process !== undefined) process.dead = true
      // It may die of it.
      await Promise.race([process?.runner.close(), process?.life.death])
    }
    if (given.move === 'kill' && process !== undefined) {
      process.life.arm(given.at)
      if (given.at === undefined) await process.life.die()
      void process.life.death.then(() => (process.dead = true))
    }
    if (given.move === 'fail') {
      this.#failing = given.step
      this.#faults.push({ error: new MillraceError(given.code, 'it failed'), done: given.done })
    }
    for (let turns = 0; turns < (given.move === 'wait' ? 40 : 5); turns++) await systemClock.breathe()
  }

  #start(): void {
    const life = new Life()
    const port = faultyLog(this.log.open(), (step) => {
      if (step !== this.#failing) return undefined
      this.#failing = undefined
      return this.#faults.pop()
    })
    // A client of its own: who dies while joining leaves the group too, and leaves its transaction open.
    const group = this.log.open()
    const log: LogPort = { ...life.log(port), join: (options) => life.only(group.join(options)) }
    void life.death.then(() => group[Symbol.asyncDispose]())
    const runner = new SourceRunner(
      runnerOptions(this.log, { log, clock: life.clock(Date.now, hastyClock) }),
      source('orders', { into: lines, from: this.#connector() }),
    )
    this.#processes.push({ life, runner, dead: false })
    void runner.start()
  }

  /** From now on nothing fails. */
  async end(isDone: () => Promise<boolean>): Promise<void> {
    this.#failing = undefined
    for (const { life } of this.#alive) life.arm(undefined)
    await until(() => {
      // It may be dying.
      if (this.#alive.length === 0) this.#start()
      return isDone()
    })
    await Promise.all(this.#alive.map(({ runner }) => runner.close()))
  }
}

const names = ['p0', 'p1', 'p2', 'p3']
const perPartition = 30
const all: Readonly<Record<string, readonly SourceRecord[]>> = Object.fromEntries(
  names.map((name) => [
    name,
    Array.from({ length: perPartition }, (_, i) => ({ key: `${name} ${i % 3}`, value: `${name}:${i}` })),
  ]),
)
const expected = Object.values(all).flatMap((records) => records.map(({ value }) => String(value)))
const written = async (log: MemoryLog): Promise<string[]> =>
  log.admin
    .describe(['lines'])
    .then(async (found) =>
      found.get('lines') === undefined ? [] : (await readAll(log, lines)).map(({ value }) => String(value)),
    )

/** Each turn of the event loop another batch, so that moves come in between. */
const before = (): Promise<void> => systemClock.breathe()
const moves = fc.array(move, { minLength: 1, maxLength: 25 })
const runs = { numRuns: 40 }

it('a replayable source is in its topic exactly once, in order, whatever fails and whoever dies', async () => {
  await fc.assert(
    fc.asyncProperty(moves, fc.integer({ min: 1, max: 7 }), async (given, batch) => {
      const world = new World(() => arraySource(all, { batch, before }))
      for (const each of given) await world.make(each)
      await world.end(async () => new Set(await written(world.log)).size === expected.length)
      const found = await written(world.log)
      expect([...found].sort()).toEqual([...expected].sort())
      for (const name of names)
        for (const key of [0, 1, 2]) {
          const own = found.filter((value) => value.startsWith(`${name}:`) && Number(value.split(':')[1]) % 3 === key)
          expect(own).toEqual(expected.filter((value) => own.includes(value)))
        }
    }),
    runs,
  )
})

/** Gives what was not acknowledged again, from the oldest on, when it is opened. */
function queues(batch: number, withIds: boolean): () => SourceConnector {
  const left = new Map(names.map((name) => [name, new Set(all[name])]))
  return () => ({
    kind: 'queue',
    delivery: 'acknowledged',
    partitions: names,
    async *open({ partition, signal }): AsyncGenerator<SourceBatch> {
      const queue = left.get(partition) as Set<SourceRecord>
      const waiting = [...queue]
      while (waiting.length > 0) {
        await before()
        const next = waiting.splice(0, batch)
        const records = withIds ? next.map((record) => ({ ...record, id: String(record.value) })) : next
        yield { records, ack: () => next.forEach((record) => queue.delete(record)) }
      }
      await untilAborted(signal)
    },
  })
}

it.each([true, false])('a queue loses nothing, and with ids each record is there once (ids: %p)', async (withIds) => {
  await fc.assert(
    fc.asyncProperty(moves, fc.integer({ min: 1, max: 7 }), async (given, batch) => {
      const world = new World(queues(batch, withIds))
      for (const each of given) await world.make(each)
      await world.end(async () => new Set(await written(world.log)).size === expected.length)
      const found = await written(world.log)
      expect([...new Set(found)].sort()).toEqual([...expected].sort())
      expect(withIds ? found.length : expected.length).toBe(expected.length)
    }),
    runs,
  )
})
