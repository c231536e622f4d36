import type { InstanceReport, Snapshot } from '../lib/watch/overview/shapes.js'

/** Seconds that are kept for charts. */
export const kept = 300

/** What is charted, a value for each second; null where nothing is known. */
export type Series = (number | null)[]

/** Of one partition of a topic. */
export interface PartitionLine {
  readonly topic: string
  readonly partition: number
  readonly instance: string
  readonly position: number
  readonly end: number | undefined
  readonly lag: number | undefined
  readonly lagSeconds: number | undefined
  readonly rate: number | undefined
}

interface Before {
  readonly at: number
  readonly report: InstanceReport
  readonly positions: ReadonlyMap<string, number>
}

/** What goes on between two looks, and what did for some minutes: rates are made of counters here. */
export class Rates {
  readonly at: number[] = []
  readonly read: Series = []
  readonly turns: Series = []
  readonly lag: Series = []
  readonly commitMs: Series = []
  readonly turnMs: Series = []
  /** By `<topic>/<partition>`. */
  readonly partitionRate = new Map<string, Series>()
  readonly partitionLag = new Map<string, Series>()
  partitions: readonly PartitionLine[] = []
  /** Per second, by topic. */
  readByTopic = new Map<string, number>()
  writtenByTopic = new Map<string, number>()
  /** By kind: turns per second, and how long one takes. */
  kinds = new Map<string, { rate: number; ms: number | undefined }>()
  #before = new Map<string, Before>()
  #commitMs: number | null = null
  #turnMs: number | null = null

  add(snapshot: Snapshot): void {
    const reports = snapshot.members.flatMap(({ report }) => report ?? [])
    const before = this.#before
    this.#before = new Map(
      reports.map((report) => [report.instance, { at: report.now, report, positions: positionsOf(report) }]),
    )
    this.partitions = reports.flatMap((report) => linesOf(report, before.get(report.instance)))
    this.readByTopic = sums(this.partitions.map(({ topic, rate }) => [topic, rate] as const))
    this.writtenByTopic = sums(reports.flatMap((report) => writtenBy(report, before.get(report.instance))))
    this.#kinds(reports, before)
    this.#push(reports, before, snapshot.at)
  }

  #kinds(reports: readonly InstanceReport[], before: ReadonlyMap<string, Before>): void {
    this.kinds = new Map()
    for (const report of reports) {
      const old = before.get(report.instance)
      for (const { kind, count, totalMs, turns } of report.kinds) {
        const was = old?.report.kinds.find((each) => each.kind === kind)
        const known = this.kinds.get(kind) ?? { rate: 0, ms: undefined }
        const [timed, ms] = [count - (was?.count ?? 0), totalMs - (was?.totalMs ?? 0)]
        const rate = old === undefined ? 0 : perSecond(turns - (was?.turns ?? 0), report.now - old.at)
        this.kinds.set(kind, {
          rate: known.rate + rate,
          ms: timed > 0 && was !== undefined ? Math.max(known.ms ?? 0, ms / timed) : known.ms,
        })
      }
    }
  }

  #push(reports: readonly InstanceReport[], before: ReadonlyMap<string, Before>, at: number): void {
    const isFirst = this.at.length === 0
    this.at.push(at / 1_000)
    const total = (values: readonly (number | undefined)[]): number | null =>
      isFirst ? null : values.reduce<number>((sum, value) => sum + (value ?? 0), 0)
    this.read.push(total(this.partitions.map(({ rate }) => rate)))
    this.turns.push(total([...this.kinds.values()].map(({ rate }) => rate)))
    this.lag.push(reports.length === 0 ? null : reports.reduce((sum, { health }) => sum + health.lag, 0))
    this.#commitMs = meanOf(reports, before, ({ commitTime }) => commitTime) ?? this.#commitMs
    this.#turnMs = meanOf(reports, before, ({ kinds }) => kinds.reduce(added, { count: 0, totalMs: 0 })) ?? this.#turnMs
    this.commitMs.push(this.#commitMs)
    this.turnMs.push(this.#turnMs)
    for (const line of this.partitions) {
      const name = `${line.topic}/${line.partition}`
      put(this.partitionRate, name, this.at.length, line.rate)
      put(this.partitionLag, name, this.at.length, line.lag)
    }
    for (const all of [this.partitionRate, this.partitionLag])
      for (const series of all.values()) if (series.length < this.at.length) series.push(null)
    if (this.at.length > kept) for (const series of this.#all()) series.shift()
  }

  *#all(): Iterable<(number | null)[]> {
    yield* [this.at, this.read, this.turns, this.lag, this.commitMs, this.turnMs]
    yield* this.partitionRate.values()
    yield* this.partitionLag.values()
  }
}

const added = (sum: { count: number; totalMs: number }, each: { count: number; totalMs: number }) => ({
  count: sum.count + each.count,
  totalMs: sum.totalMs + each.totalMs,
})

function put(all: Map<string, Series>, name: string, length: number, value: number | undefined): void {
  let series = all.get(name)
  if (series === undefined) all.set(name, (series = new Array<null>(length - 1).fill(null)))
  series.push(value ?? null)
}

const perSecond = (count: number, ms: number): number => (ms > 0 ? Math.max(0, (count * 1_000) / ms) : 0)

function positionsOf({ tasks }: InstanceReport): ReadonlyMap<string, number> {
  return new Map(
    tasks.flatMap(({ task, partitions }) =>
      partitions.map(({ topic, position }) => [`${topic}/${task}`, position] as const),
    ),
  )
}

function linesOf(report: InstanceReport, before: Before | undefined): readonly PartitionLine[] {
  return report.tasks.flatMap(({ task, partitions }) =>
    partitions.map(({ topic, position, end, lagSeconds }) => {
      const was = before?.positions.get(`${topic}/${task}`)
      return {
        topic,
        partition: task,
        instance: report.instance,
        position,
        end,
        lagSeconds,
        lag: end === undefined ? undefined : Math.max(0, end - position),
        rate: was === undefined || before === undefined ? undefined : perSecond(position - was, report.now - before.at),
      }
    }),
  )
}

function writtenBy(report: InstanceReport, before: Before | undefined): readonly (readonly [string, number])[] {
  if (before === undefined) return []
  return Object.entries(report.written).map(([topic, count]) => [
    topic,
    perSecond(count - (before.report.written[topic] ?? 0), report.now - before.at),
  ])
}

function meanOf(
  reports: readonly InstanceReport[],
  before: ReadonlyMap<string, Before>,
  timed: (report: InstanceReport) => { readonly count: number; readonly totalMs: number },
): number | undefined {
  let [count, totalMs] = [0, 0]
  for (const report of reports) {
    const old = before.get(report.instance)
    if (old === undefined) continue
    const [now, was] = [timed(report), timed(old.report)]
    if (now.count < was.count) continue
    count += now.count - was.count
    totalMs += now.totalMs - was.totalMs
  }
  return count > 0 ? totalMs / count : undefined
}

function sums(entries: readonly (readonly [string, number | undefined])[]): Map<string, number> {
  const all = new Map<string, number>()
  for (const [name, value] of entries) all.set(name, (all.get(name) ?? 0) + (value ?? 0))
  return all
}
