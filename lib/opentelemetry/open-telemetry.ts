import type * as Api from '@opentelemetry/api'
import type { MeterProvider, TracerProvider } from '@opentelemetry/api'
import { MillraceError, reasonOf } from '../core/errors.js'
import { checkOptions, flag, object, rule, type Rules } from '../core/options.js'
import type { Telemetry, TelemetrySource, RunningTelemetry } from '../watch/metrics/telemetry.js'
import { appMetrics } from './app-metrics.js'
import { AppTracer } from './app-tracer.js'

export interface OpenTelemetryOptions {
  /**
   * From 0 to 1: which part of the turns has a span, of those whose records belong to no trace; and of hops and commits. Your SDK may
   * leave out more. @default 0.01
   */
  readonly sampleRatio?: number
  /**
   * Turns of a record that carries a `traceparent` have a span when its trace is sampled, and none when it is not, whatever the ratio. It
   * costs a look at the headers of each record that has any. @default true
   */
  readonly followTraces?: boolean
  /** @default true */
  readonly metrics?: boolean
  /** @default true */
  readonly traces?: boolean
  /** @default the one that is registered globally when the app is started */
  readonly meterProvider?: MeterProvider
  /** @default the one that is registered globally when the app is started */
  readonly tracerProvider?: TracerProvider
}

const rules: Rules<OpenTelemetryOptions> = {
  sampleRatio: rule('a number from 0 to 1', (value) => typeof value === 'number' && value >= 0 && value <= 1),
  followTraces: flag,
  metrics: flag,
  traces: flag,
  meterProvider: object('a MeterProvider of OpenTelemetry'),
  tracerProvider: object('a TracerProvider of OpenTelemetry'),
}

/**
 * For `createApp({ telemetry: openTelemetry() })`: register your SDK before the app is started. Needs the package `@opentelemetry/api`;
 * without it `start()` rejects with `PACKAGE_MISSING`. Throws `OPTIONS_INVALID`.
 */
export function openTelemetry(options: OpenTelemetryOptions = {}): Telemetry {
  checkOptions('openTelemetry', options, rules)
  return { begin: async (source) => begin(await installed(), source, options) }
}

function begin(api: typeof Api, source: TelemetrySource, options: OpenTelemetryOptions): RunningTelemetry {
  const { sampleRatio = 0.01, followTraces = true, metrics = true, traces = true } = options
  const meters = options.meterProvider ?? api.metrics.getMeterProvider()
  const tracers = options.tracerProvider ?? api.trace.getTracerProvider()
  const end = metrics ? appMetrics(meters.getMeter('millrace'), source) : undefined
  const { app } = source
  return {
    tracer: traces
      ? new AppTracer({ api, tracer: tracers.getTracer('millrace'), app, sampleRatio, followTraces })
      : undefined,
    end: () => end?.(),
  }
}

async function installed(): Promise<typeof Api> {
  try {
    return await import('@opentelemetry/api')
  } catch (cause) {
    throw new MillraceError(
      'PACKAGE_MISSING',
      `openTelemetry() needs the package '@opentelemetry/api', which cannot be loaded (${reasonOf(cause)}). Run: npm install @opentelemetry/api`,
      { cause },
    )
  }
}
