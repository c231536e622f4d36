import type { Attributes, BatchObservableResult, Meter, Observable } from '@opentelemetry/api'
import { Histogram } from '../core/telemetry/histogram.js'
import { families } from '../watch/readings/families.js'
import type { Family, Sample } from '../watch/readings/family.js'
import type { TelemetrySource } from '../watch/metrics/telemetry.js'
import { otelName } from './names.js'

/** Of a histogram: its buckets, the sum and the count are each a counter, since no instrument takes them as they are. */
interface Instruments {
  readonly value?: Observable
  readonly bucket?: Observable
  readonly sum?: Observable
  readonly count?: Observable
}

/** Gives all metrics of an app to a meter whenever it collects; the returned function ends it. */
export function appMetrics(meter: Meter, source: TelemetrySource): () => void {
  const instruments = new Map(families.map((family) => [family.name, instrumentsOf(meter, family)]))
  const all = [...instruments.values()].flatMap((each) => Object.values(each) as Observable[])
  const observe = async (result: BatchObservableResult): Promise<void> => {
    await source.look()
    for (const { family, samples } of source.readings())
      for (const sample of samples) tell(result, instruments.get(family.name) ?? {}, family, sample, source.app)
  }
  meter.addBatchObservableCallback(observe, all)
  return () => meter.removeBatchObservableCallback(observe, all)
}

function instrumentsOf(meter: Meter, family: Family): Instruments {
  const { name, unit } = otelName(family)
  const { help: description } = family
  if (family.type === 'gauge') return { value: meter.createObservableGauge(name, { unit, description }) }
  if (family.type === 'counter') return { value: meter.createObservableCounter(name, { unit, description }) }
  return {
    bucket: meter.createObservableCounter(`${name}.bucket`, {
      description: `${description} Values of at most \`le\`.`,
    }),
    sum: meter.createObservableCounter(`${name}.sum`, { unit, description: `${description} The sum.` }),
    count: meter.createObservableCounter(`${name}.count`, { description: `${description} The number.` }),
  }
}

function tell(result: BatchObservableResult, to: Instruments, { labels }: Family, sample: Sample, app: string): void {
  const [value, ...values] = sample
  const attributes: Attributes = { app, ...Object.fromEntries(labels.map((label, i) => [label, values[i] ?? ''])) }
  if (!(value instanceof Histogram)) {
    if (to.value !== undefined) result.observe(to.value, value, attributes)
    return
  }
  if (to.bucket === undefined || to.sum === undefined || to.count === undefined) return
  let upTo = 0
  value.bounds.forEach((bound, i) => {
    upTo += value.counts[i] as number
    result.observe(to.bucket as Observable, upTo, { ...attributes, le: String(bound) })
  })
  result.observe(to.bucket, value.count, { ...attributes, le: '+Inf' })
  result.observe(to.sum, value.sum, attributes)
  result.observe(to.count, value.count, attributes)
}
