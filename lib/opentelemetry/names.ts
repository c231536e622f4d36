import type { Family } from '../watch/readings/family.js'

const units = { seconds: 's', bytes: 'By', ratio: '1' }

/**
 * Name and unit of a metric as OpenTelemetry has them: `millrace_commit_duration_seconds` is `millrace.commit_duration` in `s`. What exports these to
 * Prometheus puts unit and `_total` back.
 */
export function otelName({ name, unit }: Family): { readonly name: string; readonly unit: string } {
  const bare = name.replace(/^millrace_/, '').replace(/_total$/, '')
  const short = unit === undefined ? bare : bare.replace(new RegExp(`_${unit}$`), '')
  return { name: `millrace.${short}`, unit: unit === undefined ? '' : units[unit] }
}
