import { z } from 'zod'
import { faultyLog } from '../../test/faulty-log.js'
import { text } from '../codec/codec.js'
import { MillraceError } from '../core/errors.js'
import { silentLogger } from '../core/logger.js'
import type { LogPort } from '../log/port.js'
import { batchOf } from '../testing/log-contract/rows.js'
import { memoryLog, type MemoryLog } from '../memory/memory-log.js'
import { stateObject } from '../model/state-object.js'
import { topic } from '../model/stream.js'
import type { RestoreReport } from '../runtime/watch/restore-watch.js'
import type { StateChange } from '../runtime/watch/state-watch.js'
import type { App } from './app.js'
import { createApp } from './create-app.js'

const words = topic('words', text())
const counter = stateObject('counter', { state: z.object({ n: z.number() }), init: () => ({ n: 0 }) }).on(
  words,
  (word) => word,
  (state) => void state.n++,
)
const many = Array.from({ length: 100 }, (_, i) => `word-${i}`)

function appOn(log: LogPort): App {
  return createApp({ id: 'app', log, objects: [counter], createTopics: true, logger: silentLogger })
}

/** The log, with some members of its own. */
function but(log: LogPort, changed: Partial<LogPort>): LogPort {
  return new Proxy(log, {
    get(target, name) {
      if (name in changed) return Reflect.get(changed, name) as unknown
      const member: unknown = Reflect.get(target, name, target)
      return typeof member === 'function' ? (member.bind(target) as unknown) : member
    },
  })
}

/** A fetcher for this purpose gets no answer, as on a very slow network. */
const silentFetcher = (log: MemoryLog, purpose: 'live' | 'restore'): LogPort =>
  but(log, {
    fetcher: (options) => {
      const fetcher = log.fetcher(options)
      if (options.purpose !== purpose) return fetcher
      return {
        assign: (positions) => fetcher.assign(positions),
        pause: (partition) => fetcher.pause(partition),
        resume: (partition) => fetcher.resume(partition),
        held: () => fetcher.held(),
        next: (signal) => new Promise((resolve) => signal.addEventListener('abort', () => resolve([]))),
        [Symbol.asyncDispose]: () => fetcher[Symbol.asyncDispose](),
      }
    },
  })

/** Restores wait while `waits.on`, as on a very slow network. */
const waitingRestores = (log: LogPort, waits: { on: boolean }): LogPort =>
  but(log, {
    fetcher: (options) => {
      const fetcher = log.fetcher(options)
      if (options.purpose !== 'restore') return fetcher
      const next = fetcher.next.bind(fetcher)
      return Object.assign(fetcher, {
        next: async (signal: AbortSignal) => {
          while (waits.on && !signal.aborted) await new Promise((resolve) => setTimeout(resolve, 5))
          return next(signal)
        },
      })
    },
  })

async function until(what: string, test: () => boolean): Promise<void> {
  // Before the test's own time is over, which would not say what it waited for.
  const deadline = performance.now() + 25_000
  while (!test()) {
    if (performance.now() > deadline) throw new Error(`did not come: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

describe('the health of an app', () => {
  it('goes from starting to running to closed, and each change is told once', async () => {
    const log = memoryLog({ partitions: 2 })
    await log.send(words, many)
    const app = appOn(log.open())
    const changes: StateChange[] = []
    app.onStateChange((change) => changes.push(change))
    expect(app.health()).toMatchObject({ live: true, ready: false, state: 'starting', lag: 0 })
    expect(app.health().reason).toContain('call start()')
    await app.start()
    await app.drained()
    const well = {
      live: true,
      ready: true,
      state: 'running',
      reason: undefined,
      takingOver: [],
      lag: 0,
      held: [],
      waiting: [],
      quarantined: 0,
      retries: 0,
      deadLetters: 0,
      needsOperator: [],
      paused: [],
      connectors: [],
    }
    expect(app.health()).toEqual(well)
    await app.close()
    expect(app.health()).toMatchObject({ live: false, ready: false, state: 'closed' })
    expect(changes.map(({ to }) => to).join(' ')).toMatch(/^(restoring )?running closed$/)
    expect(changes.map(({ from }) => from).join(' ')).toMatch(/^starting (restoring )?running$/)
  })

  it('says what stopped it', async () => {
    const log = memoryLog({ partitions: 1 })
    const error = new MillraceError('BROKER_REFUSED', 'not allowed')
    const app = appOn(faultyLog(log.open(), (step) => (step === 'begin' ? { error, done: false } : undefined)))
    await log.send(words, [])
    await app.start()
    await log.send(words, many)
    await expect(app.closed()).rejects.toBe(error)
    expect(app.health()).toMatchObject({ live: false, state: 'closed', reason: expect.stringContaining('not allowed') })
  })

  it('is degraded while a commit does not get through, and recovers without flapping', async () => {
    const log = memoryLog({ partitions: 1 })
    await log.send(words, [])
    let answer = (): void => undefined
    const held = new Promise<void>((resolve) => (answer = resolve))
    const port = log.open()
    const app = appOn(
      but(port, {
        transactions: async (options) => {
          const channel = await port.transactions(options)
          const commit = channel.commit.bind(channel)
          return Object.assign(channel, { commit: () => held.then(commit) })
        },
      }),
    )
    await app.start()
    const changes: StateChange[] = []
    app.onStateChange((change) => changes.push(change))
    await log.send(words, many)
    await until('degraded', () => changes.length > 0)
    expect(app.health()).toMatchObject({ live: true, ready: false, state: 'degraded' })
    expect(app.health().reason).toMatch(/a commit has been under way for 3 s/)
    answer()
    await app.drained()
    await until('running', () => changes.length > 1)
    expect(changes.map(({ to }) => to)).toEqual(['degraded', 'running'])
    await app.close()
  })

  it('is degraded when brokers do not answer, with what the log says of them', async () => {
    const log = memoryLog({ partitions: 1 })
    await log.send(words, [])
    let trouble: string | undefined
    const app = appOn(Object.defineProperty(but(log.open(), {}), 'trouble', { get: () => trouble }))
    await app.start()
    trouble = 'no answer from broker a:9092 for 3 s (refused)'
    expect(app.health()).toMatchObject({ ready: false, state: 'degraded', reason: expect.stringContaining(trouble) })
    trouble = undefined
    expect(app.health().ready).toBe(true)
    await app.close()
  })

  it('counts as lag what has not been fetched yet', async () => {
    const log = memoryLog({ partitions: 4 })
    await log.send(words, many)
    const app = appOn(silentFetcher(log.open(), 'live'))
    await app.start()
    await until('the ends are known', () => app.health().lag > 0)
    expect(app.health()).toMatchObject({ ready: true, lag: many.length })
    await app.close()
  })

  it('is restoring until all tasks are, and can be closed meanwhile and leave nothing behind', async () => {
    const log = memoryLog({ partitions: 2 })
    await log.send(words, many)
    const first = appOn(log.open())
    await first.start()
    await first.drained()
    await first.close()

    const stuck = appOn(silentFetcher(log.open(), 'restore'))
    const starting = stuck.start()
    await until('restoring', () => stuck.health().state === 'restoring')
    expect(stuck.health()).toMatchObject({ live: true, ready: false, takingOver: [0, 1] })
    expect(stuck.health().reason).toMatch(/^2 of 2 tasks are being taken over \(0, 1\)/)
    // Longer than the test may take: nothing is to be waited for.
    await stuck.close({ timeout: '10m' })
    await expect(starting).rejects.toMatchObject({ code: 'APP_CLOSED' })

    const next = appOn(log.open())
    const reports: RestoreReport[] = []
    next.onRestore((report) => reports.push(report))
    next.onRestore(() => {
      throw new Error('a listener')
    })
    await next.start()
    await until('the last report', () => reports.at(-1)?.done === true)
    expect(reports.at(-1)).toMatchObject({ tasks: [0, 1], records: many.length, remaining: 0, etaMs: 0 })
    expect(next.stats().restoredRecords).toBe(many.length)
    await next.close()
  })

  it('stays ready while it takes over what another member has run, says what, and goes on meanwhile', async () => {
    const log = memoryLog({ partitions: 4 })
    await log.send(words, many)
    const waits = { on: false }
    await using survivor = appOn(waitingRestores(log.open(), waits))
    const other = appOn(log.open())
    await Promise.all([survivor.start(), other.start()])
    await Promise.all([survivor.drained(), other.drained()])
    waits.on = true
    await other.close()
    const ready = new Set<boolean>()
    await until('it takes over', () => {
      ready.add(survivor.health().ready)
      return survivor.health().takingOver.length > 0
    })
    expect([...ready]).toEqual([true])
    const { state, reason, takingOver } = survivor.health()
    expect(state).toBe('restoring')
    expect(takingOver).toHaveLength(2)
    expect(reason).toMatch(/^2 of 4 tasks are being taken over/)
    const { turns, commits } = survivor.stats()
    // With keys some come to each partition: without, all may come to those that are being taken over.
    await log.send(words, many, { key: (word) => word })
    await until('its own go on', () => survivor.stats().turns > turns && survivor.stats().commits > commits)
    expect(survivor.health()).toMatchObject({ ready: true, state: 'restoring', takingOver })
    waits.on = false
    await survivor.drained()
    expect(survivor.health()).toMatchObject({ ready: true, state: 'running', reason: undefined, takingOver: [] })
  })

  it('is not ready while it takes its own tasks over again', async () => {
    const log = memoryLog({ partitions: 1 })
    await log.send(words, [])
    const waits = { on: false }
    let outcome: MillraceError | undefined
    const faulty = faultyLog(log.open(), (step) => {
      if (step !== 'commit' || outcome === undefined) return undefined
      const error = outcome
      outcome = undefined
      return { error, done: true }
    })
    await using app = appOn(waitingRestores(faulty, waits))
    await app.start()
    expect(app.health().ready).toBe(true)
    waits.on = true
    outcome = new MillraceError('OUTCOME_UNKNOWN', 'the answer was lost')
    await log.send(words, many)
    await until('it restores', () => app.health().state === 'restoring')
    expect(app.health()).toMatchObject({ ready: false, takingOver: [0] })
    waits.on = false
    await app.drained()
    expect(app.health()).toMatchObject({ ready: true, takingOver: [] })
  })

  it('closes at once while it starts and brokers do not answer', async () => {
    const log = memoryLog({ partitions: 1 })
    const never = new Promise<never>(() => undefined)
    const admin = new Proxy(log.admin, { get: () => () => never })
    const app = appOn(but(log.open(), { admin, trouble: 'no answer from broker a:9092 for 3 s (refused)' }))
    app.start().catch(() => undefined)
    await until('degraded', () => app.health().state === 'degraded')
    // Longer than the test may take: nothing is to be waited for.
    await app.close({ timeout: '10m' })
    expect(app.health().state).toBe('closed')
  })

  it('names who holds a source by a transaction that was left open, and forgets it when that ends', async () => {
    const log = memoryLog({ partitions: 1 })
    await log.send(words, many)
    await using app = appOn(log.open())
    await app.start()
    await app.drained()
    await using foreign = await log.transactions({ id: 'billing-7', timeoutMs: 60_000 })
    await foreign.begin([{ topic: 'words', partition: 0 }], undefined)
    await foreign.append({ topic: 'words', partition: 0 }, batchOf(['open']))
    await log.send(words, many)
    await until('named', () => app.health().held.length > 0)
    const { state, ready, reason, lag, held } = app.health()
    expect({ state, ready, lag }).toEqual({ state: 'running', ready: true, lag: 101 })
    expect(held).toMatchObject([
      { topic: 'words', partition: 0, offset: 100, waiting: 101, transactionalId: 'billing-7', reason },
    ])
    await foreign.commit()
    await app.drained()
    await until('forgotten', () => app.health().held.length === 0)
    expect(app.health()).toMatchObject({ reason: undefined, lag: 0 })
    expect(app.stats().records).toBe(201)
  })
})
