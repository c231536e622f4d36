/** The door `millrace/opentelemetry`: metrics and traces of an app, through the optional package `@opentelemetry/api`. */
export { openTelemetry } from './open-telemetry.js'

export type { Telemetry } from '../watch/metrics/telemetry.js'
export type { OpenTelemetryOptions } from './open-telemetry.js'
