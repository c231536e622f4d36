import { z } from 'zod'
import { faultyLog } from '../../../test/faulty-log.js'
import { fallen, parsed, valueOf, type Told } from '../../../test/prometheus.js'
import { arraySource, until } from '../../../test/source-world.js'
import type { App } from '../../app/app.js'
import { createApp } from '../../app/create-app.js'
import type { AppOptions } from '../../app/options.js'
import { text } from '../../codec/codec.js'
import { sink, source } from '../../connect/definitions.js'
import { systemClock } from '../../core/clock.js'
import { MillraceError } from '../../core/errors.js'
import { silentLogger } from '../../core/logger.js'
import type { LogPort } from '../../log/port.js'
import { memoryLog, type MemoryLog } from '../../memory/memory-log.js'
import { stateObject } from '../../model/state-object.js'
import { topic } from '../../model/stream.js'
import { tumbling } from '../../model/window.js'
import { families } from '../readings/families.js'

const words = topic('words', text(), { partitions: 3 })
const out = topic('out', text(), { partitions: 3 })
const events = topic('events', z.object({ key: z.string(), n: z.number() }), { partitions: 1 })

/** Each hops to its object; one fails for good, and one before it succeeds. */
const counter = stateObject('counter', { state: z.object({ n: z.number() }), init: () => ({ n: 0 }) }).on(
  words,
  {
    key: (word) => (word === 'nobody' ? null : word),
    route: 'shuffle',
    onError: { attempts: 2, backoff: '1ms', then: 'dead-letter' },
  },
  (state, word, turn) => {
    if (word === 'bad') throw new Error('it is bad')
    turn.emit(out, `${word}${++state.n}`)
  },
)

/** Windows of a minute, and asynchronous turns. */
const perMinute = stateObject('perMinute', {
  state: z.object({ n: z.number() }),
  init: () => ({ n: 0 }),
  window: tumbling('1m', { late: 'dead-letter' }),
}).on(events, { key: ({ key }) => key }, async (state) => {
  await Promise.resolve()
  state.n++
})

const minute = 60_000
const noon = Date.UTC(2026, 0, 1, 12)

async function metricsOf(app: App): Promise<ReadonlyMap<string, Told>> {
  return parsed(await app.metrics())
}

const appOf = (log: LogPort, options: Partial<AppOptions> = {}): App =>
  createApp({
    id: 'app',
    log: log as MemoryLog,
    objects: [counter, perMinute],
    createTopics: true,
    logger: silentLogger,
    ...options,
  })

const names = families.map(({ name }) => name)

describe('the metrics of an app', () => {
  it('are all told before it starts, while it runs and when it is closed', async () => {
    const app = appOf(memoryLog())
    const states: string[] = []
    for (const step of [() => Promise.resolve(), () => app.start(), () => app.close()]) {
      await step()
      const told = await metricsOf(app)
      expect([...told.keys()]).toEqual(names)
      states.push([...(told.get('millrace_app_state')?.series ?? [])].find(([, value]) => value === 1)?.[0] as string)
    }
    expect(states).toEqual([
      'millrace_app_state{app="app",state="starting"}',
      'millrace_app_state{app="app",state="running"}',
      'millrace_app_state{app="app",state="closed"}',
    ])
  })

  it('are named as Prometheus asks', () => {
    for (const { name, type, help, labels } of families) {
      expect(name).toMatch(/^millrace_[a-z_]+$/)
      expect([name, name.endsWith('_total')]).toEqual([name, type === 'counter'])
      expect(help).toMatch(/\.$/)
      expect(labels).not.toContain('key')
    }
    expect(new Set(names).size).toBe(names.length)
  })

  it('count what records, turns and commits come to, and never go back', async () => {
    const log = memoryLog()
    const from = arraySource({ 0: ['x', 'y'].map((value) => ({ value })) })
    const written: unknown[] = []
    const to = {
      kind: 'array',
      delivery: 'volatile' as const,
      open: async () => ({
        write: async (batch: { records: unknown[] }) => void written.push(...batch.records),
        close: async () => undefined,
      }),
    }
    await using app = appOf(log, {
      sources: [source('lines', { into: words, from })],
      sinks: [sink('rows', { from: out, to: to as never })],
    })
    await app.start()
    const seen: ReadonlyMap<string, Told>[] = []
    const look = async (): Promise<void> => void seen.push(await metricsOf(app))
    await look()
    await log.open().send(words, ['a', 'b', 'bad', 'a', 'bad', 'nobody'], { key: (word) => word })
    await look()
    await app.drained()
    await look()
    // Their task hears how far event time has come from the one that they are sent to, with its commits.
    const send = (at: number): Promise<unknown> =>
      log.open().send(events, [{ key: 'one', n: 1 }], { key: () => 'same', timestamp: () => at })
    for (const at of [noon, noon + 10 * minute, noon]) {
      await send(at)
      await app.drained()
    }
    await look()
    await app.drained()
    await until(() => app.stats().connectors.every(({ records }) => records >= 2))
    await app.drained()
    await look()
    const last = seen.at(-1) as ReadonlyMap<string, Told>
    seen.reduce((before, now) => {
      expect(fallen(before, now)).toEqual([])
      return now
    })
    const stats = app.stats()
    expect(valueOf(last, 'millrace_records_total')).toBe(stats.records)
    expect(valueOf(last, 'millrace_turns_total')).toBe(stats.turns)
    expect(valueOf(last, 'millrace_turns_total', { kind: 'counter', input: 'words#0' })).toBe(5)
    expect(valueOf(last, 'millrace_turns_total', { kind: 'perMinute', input: 'events#0' })).toBe(2)
    expect(valueOf(last, 'millrace_failed_turns_total')).toBe(stats.failed)
    expect(valueOf(last, 'millrace_failed_turns_total', { kind: 'counter' })).toBe(2)
    expect(valueOf(last, 'millrace_hops_total')).toBe(stats.hops)
    expect(valueOf(last, 'millrace_dropped_total')).toBe(1)
    expect(valueOf(last, 'millrace_dead_letters_total', { code: 'HANDLER_FAILED' })).toBe(1)
    expect(valueOf(last, 'millrace_dead_letters_total', { code: 'QUARANTINED' })).toBe(1)
    expect(valueOf(last, 'millrace_dead_letters_total', { code: 'RECORD_LATE' })).toBe(1)
    expect(valueOf(last, 'millrace_dead_letters_total')).toBe(stats.deadLetters)
    expect(valueOf(last, 'millrace_refused_total', { code: 'RECORD_LATE' })).toBe(1)
    expect(valueOf(last, 'millrace_late_records_total', { kind: 'perMinute' })).toBe(1)
    expect(valueOf(last, 'millrace_quarantined_objects')).toBe(1)
    expect(valueOf(last, 'millrace_commits_total')).toBe(stats.commits)
    expect(valueOf(last, 'millrace_commit_duration_seconds_count')).toBe(stats.commits)
    expect(valueOf(last, 'millrace_commit_bytes_sum')).toBe(valueOf(last, 'millrace_written_bytes_total'))
    expect(valueOf(last, 'millrace_written_records_total', { topic: 'out' })).toBe(5)
    // Asynchronous turns are timed each.
    expect(valueOf(last, 'millrace_turn_duration_seconds_count', { kind: 'perMinute', input: 'events#0' })).toBe(2)
    expect(valueOf(last, 'millrace_turn_duration_seconds_count', { kind: 'counter' })).toBeGreaterThan(0)
    expect(valueOf(last, 'millrace_lag_records')).toBe(0)
    expect(valueOf(last, 'millrace_lag_seconds')).toBe(0)
    expect(valueOf(last, 'millrace_turns_in_flight')).toBe(0)
    expect(valueOf(last, 'millrace_connector_records_total', { connector: 'source', name: 'lines' })).toBe(2)
    expect(valueOf(last, 'millrace_connector_records_total', { connector: 'sink', name: 'rows' })).toBe(5)
    expect(valueOf(last, 'millrace_rebalances_total')).toBeGreaterThan(0)
    expect(valueOf(last, 'millrace_cache_misses_total', { kind: 'counter' })).toBeGreaterThan(0)
    expect(valueOf(last, 'millrace_cache_hits_total', { kind: 'counter' })).toBeGreaterThan(0)
    expect(valueOf(last, 'millrace_tasks', { state: 'running' })).toBe(3)
  })

  it('count once what is done again after a commit that was not made', async () => {
    const log = memoryLog()
    let faults = 2
    const error = new MillraceError('COMMIT_ABORTED', 'for a test')
    const port = faultyLog(log.open() as unknown as LogPort, (step) =>
      step === 'commit' && faults-- > 0 ? { error, done: false } : undefined,
    )
    await using app = appOf(port)
    await app.start()
    await log.open().send(words, ['a', 'b', 'bad'], { key: (word) => word })
    let before = await metricsOf(app)
    const backwards: string[] = []
    let isOver = false
    const drained = app.drained().finally(() => (isOver = true))
    while (!isOver) {
      const now = await metricsOf(app)
      backwards.push(...fallen(before, now))
      before = now
      await systemClock.sleep(2)
    }
    await drained
    expect(backwards).toEqual([])
    const told = await metricsOf(app)
    expect(valueOf(told, 'millrace_rollbacks_total')).toBe(2)
    expect(valueOf(told, 'millrace_turns_total')).toBe(2)
    expect(valueOf(told, 'millrace_dead_letters_total')).toBe(1)
    expect(valueOf(told, 'millrace_failed_turns_total')).toBe(2)
  })

  it('say how old the first record is that waits, and that a commit does not get through', async () => {
    const log = memoryLog()
    let hangs = false
    const app = appOf(
      faultyLog(log.open() as unknown as LogPort, (step) => (hangs && step === 'commit' ? 'silence' : undefined)),
    )
    await app.start()
    await log.open().send(words, ['a'], { key: (word) => word })
    await app.drained()
    hangs = true
    await log.open().send(words, ['b'], { key: (word) => word })
    await until(async () => valueOf(await metricsOf(app), 'millrace_commit_pending_seconds') > 0.02)
    const told = await metricsOf(app)
    expect(valueOf(told, 'millrace_last_commit_age_seconds')).toBeGreaterThan(0)
    await app.close({ timeout: 50 })
    expect(() => metricsOf(app)).not.toThrow()
  })

  it('are told while brokers do not answer', async () => {
    const log = memoryLog()
    const never = new Promise<never>(() => undefined)
    const admin = new Proxy(log.admin, { get: () => () => never })
    const app = appOf({
      ...faultyLog(log.open() as unknown as LogPort, () => undefined),
      admin,
      trouble: 'no broker answers',
    })
    app.start().catch(() => undefined)
    const told = await metricsOf(app)
    expect(valueOf(told, 'millrace_app_state', { state: 'degraded' })).toBe(1)
    expect(valueOf(told, 'millrace_ready')).toBe(0)
    await app.close({ timeout: 50 })
    expect(valueOf(await metricsOf(app), 'millrace_live')).toBe(0)
  })

  it('begin anew with each process, and count what it restores', async () => {
    const log = memoryLog()
    const first = appOf(log)
    await first.start()
    await log.open().send(words, ['a', 'b', 'c'], { key: (word) => word })
    await first.drained()
    await first.close()
    await using second = appOf(log)
    await second.start()
    const told = await metricsOf(second)
    expect(valueOf(told, 'millrace_turns_total')).toBe(0)
    expect(valueOf(told, 'millrace_restored_records_total')).toBeGreaterThanOrEqual(3)
    expect(valueOf(told, 'millrace_restored_bytes_total')).toBeGreaterThan(0)
  })

  it('have labels that say what they say, whatever that is', async () => {
    const app = appOf(memoryLog(), { version: 'a "b" \\ c\nd \ud800' })
    const [line] = (await app.metrics()).split('\n').filter((each) => each.startsWith('millrace_app_info{'))
    expect(line).toContain('version="a \\"b\\" \\\\ c\\nd \ufffd"')
    await metricsOf(app)
  })

  it('are answered at /metrics, to those who may ask, until the app is closed and after', async () => {
    const app = appOf(memoryLog())
    await app.start()
    const request = (): Request => new Request('http://localhost/metrics')
    for (const step of [() => Promise.resolve(), () => app.close()]) {
      await step()
      const answer = await app.handler(request(), { may: 'read' })
      expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
      expect([...parsed(await answer.text()).keys()]).toEqual(names)
    }
    expect((await app.handler(request(), { remoteAddress: '10.0.0.7' })).status).toBeGreaterThanOrEqual(400)
  })
})
