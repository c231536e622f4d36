import { rule } from '../../core/options.js'
import type { Tracer } from '../../core/telemetry/tracer.js'
import type { Reading } from './reading.js'

/** An app, as telemetry sees it. */
export interface TelemetrySource {
  readonly app: string
  /** All metrics as they are now. Never throws. */
  readonly readings: () => readonly Reading[]
  /** Counts what takes time to count. Never rejects. */
  readonly look: () => Promise<void>
}

/** Where metrics and traces of an app go. Made with `openTelemetry()` of `millrace/opentelemetry`. */
export interface Telemetry {
  /** Called when the app is started, before anything else. Rejects when it cannot work: then the app does not start. */
  begin(source: TelemetrySource): Promise<RunningTelemetry>
}

export interface RunningTelemetry {
  readonly tracer: Tracer | undefined
  /** The app has been closed. */
  end(): void
}

export const telemetryRule = rule(
  'what openTelemetry() of millrace/opentelemetry gives',
  (value) => typeof (value as Partial<Telemetry> | null)?.begin === 'function',
)
