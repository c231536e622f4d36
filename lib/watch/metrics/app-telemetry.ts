import type { Tracer } from '../../core/telemetry/tracer.js'
import type { RunningTelemetry, Telemetry, TelemetrySource } from './telemetry.js'

/** The telemetry of an app, if it has any: begun with it, and ended with it. */
export class AppTelemetry {
  readonly #telemetry: Telemetry | undefined
  readonly #source: () => TelemetrySource
  #running: RunningTelemetry | undefined
  #ended = false

  constructor(telemetry: Telemetry | undefined, source: () => TelemetrySource) {
    this.#telemetry = telemetry
    this.#source = source
  }

  async begin(): Promise<void> {
    const running = await this.#telemetry?.begin(this.#source())
    if (this.#ended) running?.end()
    else this.#running = running
  }

  get tracer(): Tracer | undefined {
    return this.#running?.tracer
  }

  end(): void {
    this.#ended = true
    this.#running?.end()
    this.#running = undefined
  }
}
