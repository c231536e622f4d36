import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { createApp, stateObject, topic } from 'millrace'
import { z } from 'zod'
import {
  events,
  eventTopic,
  openLog,
  partitions,
  report,
  rounded,
  runName,
  whole,
  type Event,
} from './shared/setting.js'

/** From sending a record to its update being readable by others (read_committed), at a steady rate. */
const { values: args } = parseArgs({
  options: {
    brokers: { type: 'string' },
    rate: { type: 'string' },
    seconds: { type: 'string' },
    interval: { type: 'string' },
  },
})
const rate = whole(args.rate, 5_000)
const seconds = whole(args.seconds, 20)
const commitInterval = whole(args.interval, 100)
const tickMs = 10
/** The first seconds warm the code up. */
const warmUp = Math.min(rate * 3, Math.floor((rate * seconds) / 4))

const id = runName('latency')
const input = eventTopic(`${id}-in`)
const output = topic(`${id}-out`, z.object({ count: z.number(), sent: z.number() }), { partitions })
const user = stateObject('user', { state: z.object({ count: z.number() }), init: () => ({ count: 0 }) }).on(
  input,
  (e) => e.user,
  (state, e, turn) => {
    state.count++
    turn.emit(output, { count: state.count, sent: e.ts })
  },
)

/** A second app reads the output as anybody would; its filter lets nothing through. */
const latencies: number[] = []
const probe = output.filter(({ sent }) => {
  latencies.push(performance.timeOrigin + performance.now() - sent)
  return false
})
const log = openLog(args.brokers)
const dataDir = mkdtempSync(join(tmpdir(), 'millrace-bench-'))
const app = createApp({ id, objects: [user], log, dataDir, createTopics: true, commitInterval })
const reader = createApp({
  id: `${id}-probe`,
  flows: [probe.to(topic(`${id}-none`, output.codec, { partitions }))],
  log,
  createTopics: true,
  commitInterval: 1_000,
})

try {
  await app.start()
  await reader.start()
  const source = events(rate * seconds, 10_000)[Symbol.iterator]()
  const begin = performance.now()
  for (let sent = 0; sent < rate * seconds;) {
    const due = Math.min(rate * seconds, Math.floor(((performance.now() - begin) / 1_000) * rate))
    const batch: Event[] = []
    for (; sent < due; sent++)
      batch.push({ ...(source.next().value as Event), ts: performance.timeOrigin + performance.now() })
    if (batch.length > 0) await log.send(input, batch, { key: (e) => e.user })
    await new Promise((resolve) => setTimeout(resolve, tickMs))
  }
  await app.drained()
  await reader.drained()
  const counted = latencies.slice(warmUp).sort((a, b) => a - b)
  const percentile = (p: number): number =>
    rounded(counted[Math.min(counted.length - 1, Math.floor(counted.length * p))] ?? NaN, 1)
  report({
    bench: 'latency',
    log: log.kind,
    rate,
    seconds,
    commitInterval,
    p50Ms: percentile(0.5),
    p99Ms: percentile(0.99),
    p999Ms: percentile(0.999),
    commits: app.stats().commits,
    verified: latencies.length === rate * seconds,
  })
} finally {
  await Promise.all([app.close(), reader.close()])
  await log[Symbol.asyncDispose]()
  rmSync(dataDir, { recursive: true, force: true })
}
