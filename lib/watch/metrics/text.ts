import { Histogram } from '../../core/telemetry/histogram.js'
import type { Reading } from './reading.js'

/** What `/metrics` is answered as: https://prometheus.io/docs/instrumenting/exposition_formats/ */
export const contentType = 'text/plain; version=0.0.4; charset=utf-8'

/** Readings as Prometheus reads them; `app` is a label of each. */
export function prometheusText(app: string, readings: readonly Reading[]): string {
  const lines: string[] = []
  for (const { family, samples } of readings) {
    const { name, type, help, labels } = family
    lines.push(`# HELP ${name} ${escapedHelp(help)}`, `# TYPE ${name} ${type}`)
    for (const [value, ...values] of samples) {
      const named = [`app="${escaped(app)}"`, ...labels.map((label, i) => `${label}="${escaped(values[i] ?? '')}"`)]
      if (value instanceof Histogram) lines.push(...buckets(name, named.join(','), value))
      else lines.push(`${name}{${named.join(',')}} ${value}`)
    }
  }
  return `${lines.join('\n')}\n`
}

function buckets(name: string, labels: string, { bounds, counts, sum, count }: Histogram): readonly string[] {
  let upTo = 0
  const lines = bounds.map((bound, i) => `${name}_bucket{${labels},le="${bound}"} ${(upTo += counts[i] as number)}`)
  return [
    ...lines,
    `${name}_bucket{${labels},le="+Inf"} ${count}`,
    `${name}_sum{${labels}} ${sum}`,
    `${name}_count{${labels}} ${count}`,
  ]
}

/** Half a surrogate has no bytes. */
const escaped = (value: string): string =>
  Buffer.from(value).toString('utf8').replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
const escapedHelp = (help: string): string => help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
