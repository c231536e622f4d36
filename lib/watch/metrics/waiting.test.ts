import { z } from 'zod'
import { CounterApp, counter, lines, partitions, someLines } from '../../../test/counter-app.js'
import { fallen, parsed, valueOf, type Told } from '../../../test/prometheus.js'
import { until } from '../../../test/source-world.js'
import type { App } from '../../app/app.js'
import { createApp } from '../../app/create-app.js'
import type { AppOptions } from '../../app/options.js'
import { text } from '../../codec/codec.js'
import { systemClock } from '../../core/clock.js'
import { silentLogger } from '../../core/logger.js'
import { memoryLog, type MemoryLog } from '../../memory/memory-log.js'
import { stateObject } from '../../model/state-object.js'
import { topic } from '../../model/stream.js'

const words = topic('words', text(), { partitions: 1 })
const state = { state: z.object({ n: z.number() }), init: () => ({ n: 0 }) }

const toldBy = async (app: App): Promise<ReadonlyMap<string, Told>> => parsed(await app.metrics())
const appOf = (log: MemoryLog, objects: AppOptions['objects'], more: Partial<AppOptions> = {}): App =>
  createApp({ id: 'app', log: log.open(), objects: objects ?? [], createTopics: true, logger: silentLogger, ...more })
const send = (log: MemoryLog, values: readonly string[]): Promise<unknown> =>
  log.open().send(words, values, { key: (word) => word })

describe('what waits is told', () => {
  it('of asynchronous turns: under way, parked when a commit does not wait for them, and behind others', async () => {
    const log = memoryLog()
    let end: () => void = () => undefined
    const ended = new Promise<void>((resolve) => (end = resolve))
    const slow = stateObject('slow', state).on(
      words,
      (word) => word,
      async () => ended,
    )
    await using app = appOf(log, [slow])
    await app.start()
    await send(log, ['a', 'b', 'a'])
    await until(async () => valueOf(await toldBy(app), 'millrace_turns_in_flight') === 2)
    await until(async () => valueOf(await toldBy(app), 'millrace_turns_parked') === 2)
    end()
    await app.drained()
    const told = await toldBy(app)
    expect(valueOf(told, 'millrace_turns_in_flight') + valueOf(told, 'millrace_turns_parked')).toBe(0)
    expect(valueOf(told, 'millrace_turns_total', { kind: 'slow' })).toBe(3)
    expect(valueOf(told, 'millrace_turn_duration_seconds_count', { kind: 'slow' })).toBe(3)
  })

  it('of retries and quarantine, also when another process has taken them over', async () => {
    const log = memoryLog()
    let isDown = true
    const asking = stateObject('asking', state).on(
      words,
      { key: (word) => word, onError: { backoff: '1h', attempts: 2 } },
      (_state, word) => {
        if (isDown) throw new Error(`${word} is down`)
      },
    )
    const failing = stateObject('failing', state).on(words, { key: () => 'one', onError: { attempts: 1 } }, () => {
      throw new Error('always')
    })
    const first = appOf(log, [asking, failing])
    await first.start()
    await send(log, ['a', 'b'])
    await first.drained()
    const waiting = (told: ReadonlyMap<string, Told>): number[] =>
      ['millrace_retries_waiting', 'millrace_quarantined_objects', 'millrace_needs_operator'].map((name) =>
        valueOf(told, name),
      )
    const told = await toldBy(first)
    expect(waiting(told)).toEqual([2, 1, 2])
    await first.close()
    expect(waiting(await toldBy(first)).slice(0, 2)).toEqual([0, 0])
    isDown = false
    await using second = appOf(log, [asking, failing])
    await second.start()
    expect(waiting(await toldBy(second))).toEqual([2, 1, 1])
  })

  it('not of timers that are due later, nor of turns that they will have', async () => {
    const log = memoryLog()
    const timed = stateObject('timed', state)
      .timers({ soon: z.null() })
      .on(
        words,
        (word) => word,
        (_state, _word, turn) => turn.timer('soon', '1h', null),
      )
      .onTimer('soon', () => undefined)
    await using app = appOf(log, [timed])
    await app.start()
    await send(log, ['a', 'b', 'c'])
    await app.drained()
    const told = await toldBy(app)
    expect(valueOf(told, 'millrace_timers_due', { time: 'processing' })).toBe(0)
    expect(told.get('millrace_turn_duration_seconds')?.series.size).toBeGreaterThan(0)
    expect(valueOf(told, 'millrace_turns_total', { input: 'timer:soon' })).toBe(0)
  })
})

let world: CounterApp

describe('several processes', () => {
  beforeEach(() => void (world = new CounterApp()))
  afterEach(() => world.end())

  it('tell of standbys, of what comes and goes, and never fall', async () => {
    const first = await world.app({ standbyReplicas: 1 }, 0)
    await first.start()
    let before = await toldBy(first)
    const look = async (): Promise<void> => {
      const now = await toldBy(first)
      expect(fallen(before, now)).toEqual([])
      before = now
    }
    await world.log.open().send(lines, someLines(0, 50), { key: (line) => line })
    await first.drained()
    await look()
    const second = await world.app({ standbyReplicas: 1 }, 1)
    await second.start()
    await until(async () => {
      await look()
      return valueOf(before, 'millrace_tasks', { state: 'standby' }) > 0
    })
    await world.log.open().send(lines, someLines(50, 100), { key: (line) => line })
    await Promise.all([first.drained(), second.drained()])
    await until(
      async () => [...((await toldBy(first)).get('millrace_standby_lag_records')?.series.values() ?? [])].length > 0,
    )
    await look()
    const running = async (app: App): Promise<number> =>
      valueOf(await toldBy(app), 'millrace_tasks', { state: 'running' })
    expect((await running(first)) + (await running(second))).toBe(partitions)
    const turns = async (app: App): Promise<number> =>
      valueOf(await toldBy(app), 'millrace_turns_total', { kind: counter.name })
    expect((await turns(first)) + (await turns(second))).toBe(400)
    await second.close()
    await until(async () => (await running(first)) === partitions)
    await look()
    expect(valueOf(before, 'millrace_rebalances_total')).toBeGreaterThanOrEqual(3)
    await first.close()
    await look()
  })

  it('count the same without transactions', async () => {
    const app = await world.app({ guarantee: 'at-least-once' })
    await app.start()
    await world.log.open().send(lines, someLines(0, 10), { key: (line) => line })
    await app.drained()
    await until(async () => valueOf(await toldBy(app), 'millrace_turns_total') === 40)
    expect(valueOf(await toldBy(app), 'millrace_hops_total')).toBe(app.stats().hops)
  })
})

it('metrics are soon told, whoever asks how often', async () => {
  const log = memoryLog()
  await using app = appOf(log, [
    stateObject('kind', state).on(
      words,
      (word) => word,
      () => undefined,
    ),
  ])
  await app.start()
  const since = systemClock.elapsed()
  await Promise.all(Array.from({ length: 50 }, () => app.metrics()))
  expect(systemClock.elapsed() - since).toBeLessThan(2_000)
})
