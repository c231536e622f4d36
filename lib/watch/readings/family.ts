import type { Histogram } from '../../core/telemetry/histogram.js'
import type { AppWatch } from '../../runtime/app-watch.js'
import type { EngineOptions, Health, Stats } from '../../runtime/setup/engine-options.js'
import type { ConnectorHealth, ConnectorStats } from '../../connect/runner.js'
import type { LoopDelay } from './loop-delay.js'
import type { StoreSize } from './store-size.js'

/** What metrics are read from: counters and gauges that parts of the app keep anyway. */
export interface Inside {
  readonly app: string
  readonly version: string
  readonly engine: {
    readonly options: EngineOptions
    readonly health: Health
    readonly stats: Stats
    readonly watch: AppWatch
  }
  readonly connectors: () => {
    readonly health: readonly ConnectorHealth[]
    readonly stats: readonly ConnectorStats[]
  }
  readonly loop: LoopDelay
  readonly storeSize: StoreSize
}

export type Unit = 'seconds' | 'bytes' | 'ratio' | undefined

/** One value of a metric: labels in the order of its family. */
export type Sample = readonly [value: number | Histogram, ...labels: readonly string[]]

/** A metric, and how it is read. Names and units are promised: see docs/metrics.md. */
export interface Family {
  /** As Prometheus has it. */
  readonly name: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly help: string
  readonly unit: Unit
  readonly labels: readonly string[]
  readonly read: (inside: Inside) => Iterable<Sample>
}

type Read = (inside: Inside) => Iterable<Sample> | number | undefined

const family =
  (type: Family['type']) =>
  (name: string, help: string, labels: readonly string[], read: Read): Family => ({
    name: `millrace_${name}`,
    type,
    help,
    unit: unitOf(name),
    labels,
    read: (inside) => samplesOf(read(inside)),
  })

/** Never falls while a process lives; `name` ends in `_total`. */
export const counter = family('counter')
export const gauge = family('gauge')
export const histogram = family('histogram')

const unitOf = (name: string): Unit => /_(seconds|bytes|ratio)(?:_total)?$/.exec(name)?.[1] as Unit

function samplesOf(read: Iterable<Sample> | number | undefined): Iterable<Sample> {
  if (read === undefined) return []
  return typeof read === 'number' ? [[read]] : read
}
