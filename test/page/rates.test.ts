import type { InstanceReport, Snapshot } from '../../lib/watch/overview/shapes.js'
import { kept, Rates } from '../../page/rates.js'

interface Given {
  readonly now: number
  readonly position: number
  readonly turns?: number
  readonly timed?: number
  readonly totalMs?: number
  readonly written?: number
}

function report(
  instance: string,
  task: number,
  { now, position, turns = 0, timed = 0, totalMs = 0, written = 0 }: Given,
): InstanceReport {
  const zero = {
    records: 0,
    failed: 0,
    deadLetters: 0,
    skipped: 0,
    quarantined: 0,
    commits: 0,
    rollbacks: 0,
    restoredRecords: 0,
  }
  return {
    app: 'shop',
    instance,
    version: undefined,
    node: 'v20',
    pid: 1,
    startedAt: 0,
    now,
    memoryBytes: 1,
    health: { live: true, ready: true, state: 'running', reason: undefined, lag: 5, paused: [], needsOperator: [] },
    counts: { ...zero, turns },
    tasks: [{ task, quarantined: 0, partitions: [{ topic: 'orders', position, end: position + 5, lagSeconds: 1 }] }],
    restoring: [],
    standbys: [],
    connectors: [],
    sinceCommitMs: 0,
    commitTime: { count: timed, totalMs },
    kinds: [{ kind: 'order', turns, count: timed, totalMs }],
    written: { totals: written },
  }
}

const snapshot = (at: number, reports: readonly InstanceReport[]): Snapshot => ({
  at,
  app: 'shop',
  asked: 'a',
  group: 'stable',
  members: reports.map((each) => ({
    instance: each.instance,
    host: '',
    http: undefined,
    standbys: [],
    away: undefined,
    tasks: each.tasks.map(({ task }) => task),
    report: each,
  })),
})

describe('rates of the monitor page', () => {
  it('are made of counters of two looks, by the clock of each instance', () => {
    const rates = new Rates()
    rates.add(snapshot(0, [report('a', 0, { now: 1_000, position: 10 }), report('b', 1, { now: 90_000, position: 0 })]))
    expect(rates.read).toEqual([null])
    rates.add(
      snapshot(1_000, [
        report('a', 0, { now: 3_000, position: 30, turns: 8, timed: 2, totalMs: 6, written: 4 }),
        report('b', 1, { now: 91_000, position: 5, turns: 1, timed: 1, totalMs: 3 }),
      ]),
    )
    expect(rates.partitions.map(({ partition, rate, lag }) => [partition, rate, lag])).toEqual([
      [0, 10, 5],
      [1, 5, 5],
    ])
    expect(rates.read).toEqual([null, 15])
    expect(rates.readByTopic.get('orders')).toBe(15)
    expect(rates.writtenByTopic.get('totals')).toBe(2)
    expect(rates.turns.at(-1)).toBe(5)
    expect(rates.commitMs.at(-1)).toBe(3)
    expect(rates.lag.at(-1)).toBe(10)
  })

  it('are not made of an instance that has begun anew, or of a task that has moved', () => {
    const rates = new Rates()
    rates.add(
      snapshot(0, [report('a', 0, { now: 1_000, position: 100, turns: 50, timed: 9, totalMs: 90, written: 70 })]),
    )
    rates.add(
      snapshot(1_000, [report('a', 0, { now: 2_000, position: 3, turns: 1, timed: 1, totalMs: 1, written: 1 })]),
    )
    expect(rates.read.at(-1)).toBe(0)
    expect(rates.writtenByTopic.get('totals')).toBe(0)
    expect(rates.commitMs.at(-1)).toBeNull()
    rates.add(snapshot(2_000, [report('b', 0, { now: 7_000, position: 90 })]))
    expect(rates.partitions[0]?.rate).toBeUndefined()
    rates.add(snapshot(3_000, []))
    expect([rates.lag.at(-1), rates.read.at(-1)]).toEqual([null, 0])
  })

  it('keep some minutes, each partition as long as the clock', () => {
    const rates = new Rates()
    for (let i = 0; i < kept + 50; i++) {
      const reports = [report('a', 0, { now: i * 1_000, position: i })]
      if (i >= 20) reports.push(report('b', 1, { now: i * 1_000, position: i }))
      rates.add(snapshot(i * 1_000, i % 3 === 0 ? [] : reports))
    }
    expect(rates.at).toHaveLength(kept)
    const all = [
      rates.read,
      rates.turns,
      rates.lag,
      rates.commitMs,
      ...rates.partitionLag.values(),
      ...rates.partitionRate.values(),
    ]
    expect(all.map(({ length }) => length)).toEqual(all.map(() => kept))
  })
})
