import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { context, SpanStatusCode, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
import { z } from 'zod'
import { readAll } from '../../test/reading.js'
import type { App } from '../app/app.js'
import { createApp } from '../app/create-app.js'
import type { AppOptions } from '../app/options.js'
import { text } from '../codec/codec.js'
import { silentLogger } from '../core/logger.js'
import { memoryLog, type MemoryLog } from '../memory/memory-log.js'
import { stateObject } from '../model/state-object.js'
import { topic } from '../model/stream.js'
import { families } from '../watch/readings/families.js'
import { openTelemetry, type OpenTelemetryOptions } from './index.js'
import { otelName } from './names.js'

const words = topic('words', text(), { partitions: 3 })
const out = topic('out', text(), { partitions: 3 })

let tries = 0
/** What was current in each handler. */
let current: (string | undefined)[] = []

const sync = stateObject('sync', { state: z.object({ n: z.number() }), init: () => ({ n: 0 }) }).on(
  words,
  { key: (word) => word, route: 'shuffle', onError: { attempts: 3, backoff: '1ms' } },
  (state, word, turn) => {
    state.n++
    current.push(trace.getActiveSpan()?.spanContext().spanId)
    if (word === 'twice' && tries++ === 0) throw new Error('the first time')
    if (word === 'never') throw new Error('every time')
    turn.emit(out, word)
  },
)

const slow = stateObject('slow', { state: z.object({ n: z.number() }), init: () => ({ n: 0 }) }).on(
  words,
  (word) => word,
  async (state) => {
    await Promise.resolve()
    current.push(trace.getActiveSpan()?.spanContext().spanId)
    state.n++
  },
)

const spans = new InMemorySpanExporter()
const tracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] })
const manager = new AsyncLocalStorageContextManager()

beforeAll(() => void context.setGlobalContextManager(manager.enable()))
afterAll(() => context.disable())
beforeEach(() => {
  tries = 0
  current = []
  spans.reset()
})

const appOf = (log: MemoryLog, options: OpenTelemetryOptions, more: Partial<AppOptions> = {}): App =>
  createApp({
    id: 'app',
    log: log.open(),
    objects: [sync],
    createTopics: true,
    logger: silentLogger,
    telemetry: openTelemetry({ metrics: false, tracerProvider, ...options }),
    ...more,
  })

const traceId = '0af7651916cd43dd8448eb211c80319c'
const parentOf = (flags: string): string => `00-${traceId}-b7ad6b7169203331-${flags}`
const send = async (log: MemoryLog, values: readonly string[], headers?: Record<string, string>): Promise<void> => {
  const bytes = new Map(Object.entries(headers ?? {}).map(([name, value]) => [name, Buffer.from(value)]))
  await log.open().send(words, values, { key: (word) => word, headers: () => bytes })
}

const named = (name: string) => spans.getFinishedSpans().filter((span) => span.name === name)

describe('traces', () => {
  it('go on from the record over its hop and its turn to what that emits', async () => {
    const log = memoryLog()
    await using app = appOf(log, { sampleRatio: 0 })
    await app.start()
    await send(log, ['a'], { traceparent: parentOf('01'), tracestate: 'vendor=1' })
    await app.drained()
    const [hop] = named('hop app-sync-inbox')
    const [turn] = named('turn sync')
    expect(turn?.spanContext()).toMatchObject({ traceId })
    expect(hop?.parentSpanContext).toMatchObject({ traceId, spanId: 'b7ad6b7169203331' })
    expect(turn?.parentSpanContext?.spanId).toBe(hop?.spanContext().spanId)
    expect(turn?.attributes).toMatchObject({
      'millrace.app': 'app',
      'millrace.kind': 'sync',
      'millrace.key': 'a',
      'messaging.destination.name': 'words',
      'messaging.kafka.offset': 0,
    })
    expect(current).toEqual([turn?.spanContext().spanId])
    const headers = (await readAll(log, out))[0]?.headers ?? {}
    const textOf = (name: string): string => headers[name] ?? ''
    expect(textOf('traceparent')).toBe(`00-${traceId}-${turn?.spanContext().spanId}-01`)
    expect(textOf('tracestate')).toBe('vendor=1')
    const [commit] = named('commit app').filter(({ links }) => links.length > 0)
    expect(commit?.links.map((link) => link.context.spanId)).toEqual([turn?.spanContext().spanId])
    expect(commit?.attributes['millrace.commit.records']).toBeGreaterThan(0)
  })

  it('of a hop takes the place of what the record had', async () => {
    const log = memoryLog()
    await using app = appOf(log, { sampleRatio: 1, followTraces: false })
    await app.start()
    await send(log, ['a'], { traceparent: parentOf('01'), tracestate: 'vendor=1', other: 'x' })
    await app.drained()
    const [hop] = named('hop app-sync-inbox')
    const headers = (await readAll(log, topic('app-sync-inbox', text())))[0]?.headers ?? {}
    const { traceparent, other } = headers
    expect({ traceparent, other }).toEqual({
      traceparent: `00-${hop?.spanContext().traceId}-${hop?.spanContext().spanId}-01`,
      other: 'x',
    })
    expect(headers['tracestate']).toBeUndefined()
  })

  it.each([
    ['that is not sampled', parentOf('00')],
    ['of no form', 'garbage'],
    ['of a version that there is not', `ff-${traceId}-b7ad6b7169203331-01`],
    ['of nobody', `00-${'0'.repeat(32)}-b7ad6b7169203331-01`],
    ['that is too long', parentOf('01') + '-'.repeat(1_000)],
  ])('are not begun for a record with a parent %s, whose header goes on as it is', async (_what, traceparent) => {
    const log = memoryLog()
    await using app = appOf(log, { sampleRatio: 0 })
    await app.start()
    await send(log, ['a'], { traceparent })
    await app.drained()
    expect(spans.getFinishedSpans()).toEqual([])
    const [record] = await readAll(log, out)
    expect(record?.headers['traceparent']).toBe(traceparent)
  })

  it('tell of each attempt of a turn that fails, linked to the one before', async () => {
    const log = memoryLog()
    await using app = appOf(log, { sampleRatio: 1 })
    await app.start()
    await send(log, ['twice', 'never'])
    await app.drained()
    const turns = (key: string) => named('turn sync').filter(({ attributes }) => attributes['millrace.key'] === key)
    expect(turns('twice').map(({ status }) => status.code)).toEqual([SpanStatusCode.ERROR, SpanStatusCode.UNSET])
    const [first, second] = turns('twice')
    expect(second?.links.map((link) => link.context.spanId)).toEqual([first?.spanContext().spanId])
    expect(first?.events.map(({ attributes }) => attributes?.['exception.message'])).toEqual(['the first time'])
    expect(turns('never').map(({ attributes }) => attributes['millrace.attempt'])).toEqual([1, 2, 3])
    expect(
      turns('never')
        .slice(1)
        .map(({ links }) => links.length),
    ).toEqual([1, 1])
  })

  it('hold asynchronous turns together, to their end', async () => {
    const log = memoryLog()
    await using app = appOf(log, { sampleRatio: 1 }, { objects: [slow] })
    await app.start()
    await send(log, ['a', 'b'])
    await app.drained()
    const turns = named('turn slow')
    expect(new Set(current)).toEqual(new Set(turns.map((span) => span.spanContext().spanId)))
    expect(turns).toHaveLength(2)
  })

  it('are of as many turns as the ratio says', async () => {
    const log = memoryLog()
    await using app = appOf(log, { sampleRatio: 0.25 })
    await app.start()
    await send(
      log,
      Array.from({ length: 40 }, () => 'same'),
    )
    await app.drained()
    expect(app.stats().turns).toBe(40)
    // Of hops too, whose turns go on with them.
    expect(named('hop app-sync-inbox').length + named('turn sync').length).toBeGreaterThanOrEqual(10)
    expect(named('turn sync').length).toBeLessThan(30)
  })

  it('change nothing when the SDK throws', async () => {
    const log = memoryLog()
    const broken = {
      getTracer: () => ({
        startSpan: () => {
          throw new Error('broken')
        },
      }),
    }
    await using app = appOf(log, { sampleRatio: 1, tracerProvider: broken as never })
    await app.start()
    await send(log, ['a', 'b'])
    await app.drained()
    expect(app.stats()).toMatchObject({ turns: 2, failed: 0 })
  })
})

describe('metrics', () => {
  it('are the same as those of Prometheus, with the names and units of OpenTelemetry', async () => {
    const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
    const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 })
    const meterProvider = new MeterProvider({ readers: [reader] })
    const log = memoryLog()
    const app = appOf(log, { metrics: true, traces: false, meterProvider })
    await app.start()
    await send(log, ['a', 'b'])
    await app.drained()
    await reader.forceFlush()
    const told = exporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics }) => metrics))
    const of = (name: string) => told.find(({ descriptor }) => descriptor.name === name)
    expect(of('millrace.turns')?.dataPoints.filter(({ attributes }) => attributes['kind'] === 'sync')).toContainEqual(
      expect.objectContaining({ value: 2, attributes: { app: 'app', kind: 'sync', input: 'words#0' } }),
    )
    expect(of('millrace.commit_duration.sum')?.descriptor).toMatchObject({ unit: 's' })
    expect(of('millrace.process_resident_memory')?.descriptor).toMatchObject({ unit: 'By' })
    expect(spans.getFinishedSpans()).toEqual([])
    await app.close()
    await meterProvider.shutdown()
  })

  it('have one name each', () => {
    const all = families.map((family) => otelName(family).name)
    expect(new Set(all).size).toBe(all.length)
    for (const name of all) expect(name).toMatch(/^millrace\.[a-z_]+$/)
  })

  it('are in the documentation where a unit is left out of the name', () => {
    const page = readFileSync(join(__dirname, '..', '..', 'docs', 'metrics.md'), 'utf8')
    const rows = [...page.matchAll(/^\| `(millrace_\w+)` +\| `(millrace\.\w+?)(?:\.sum`, …|`) +\| `(\w+)`/gm)]
    const said = rows.map(([, ours, name, unit]) => [ours, name, unit])
    const ofUnits = families.filter(({ unit }) => unit !== undefined)
    const known = ofUnits.map((family) => [family.name, otelName(family).name, otelName(family).unit])
    expect(said.sort()).toEqual(known.sort())
  })
})

describe('openTelemetry()', () => {
  it.each([
    [{ sampleRatio: NaN }],
    [{ sampleRatio: 2 }],
    [{ sampleRatio: -1 }],
    [{ sampelRatio: 1 }],
    [{ traces: 'yes' }],
    ['all'],
    [null],
  ])('refuses %p', (options) =>
    expect(() => openTelemetry(options as never)).toThrow(expect.objectContaining({ code: 'OPTIONS_INVALID' })),
  )

  it('is what telemetry takes', () => {
    expect(() => appOf(memoryLog(), {}, { telemetry: {} as never })).toThrow(
      expect.objectContaining({ code: 'OPTIONS_INVALID', message: expect.stringContaining('openTelemetry()') }),
    )
  })
})

describe('without the package', () => {
  beforeEach(() => {
    jest.resetModules()
    jest.doMock('@opentelemetry/api', () => {
      throw new Error("Cannot find module '@opentelemetry/api'")
    })
  })
  afterEach(() => jest.dontMock('@opentelemetry/api'))

  it('an app does not start, and says what to install', async () => {
    const { openTelemetry: fresh } = await import('./index.js')
    const app = appOf(memoryLog(), {}, { telemetry: fresh() })
    await expect(app.start()).rejects.toMatchObject({
      code: 'PACKAGE_MISSING',
      message: expect.stringContaining('npm install @opentelemetry/api'),
    })
  })
})
