import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { createApp, stateObject, topic } from 'millrace'
import { z } from 'zod'
import {
  cpuSeconds,
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

/**
 * From when a record is due to be sent to its update being readable by others (read_committed), at a steady rate: on Kafka records
 * come evenly spaced from a process of their own. `--hop`: most have their turn in another partition than they were sent to.
 * `--slow MS`: beside it a kind whose handler takes so long, `--slow-rate` records a second; compare with `--slow 0`, the same
 * records with a handler that does not wait. A broker that was just started is slow: let a run of it go by.
 */
const { values: args } = parseArgs({
  options: {
    brokers: { type: 'string' },
    rate: { type: 'string' },
    seconds: { type: 'string' },
    interval: { type: 'string' },
    hop: { type: 'boolean', default: false },
    slow: { type: 'string' },
    'slow-rate': { type: 'string' },
  },
})
const rate = whole(args.rate, 5_000)
const seconds = whole(args.seconds, 20)
const commitInterval = whole(args.interval, 100)
const hasSlow = args.slow !== undefined
const slowMs = Number(args.slow ?? 0)
const slowRate = whole(args['slow-rate'], 100)
const tickMs = 10
/** The first seconds warm the code up. */
const warmUp = Math.min(rate * 5, Math.floor((rate * seconds) / 4))

const id = runName('latency')
const input = eventTopic(`${id}-in`)
const slowInput = eventTopic(`${id}-slow`)
const output = topic(`${id}-out`, z.object({ count: z.number(), sent: z.number() }), { partitions })
const user = stateObject('user', { state: z.object({ count: z.number() }), init: () => ({ count: 0 }) }).on(
  input,
  (e) => e.user,
  (state, e, turn) => {
    state.count++
    turn.emit(output, { count: state.count, sent: e.ts })
  },
)
let slowTurns = 0
const slow = stateObject('slow', { state: z.object({ count: z.number() }), init: () => ({ count: 0 }) }).on(
  slowInput,
  (e) => e.user,
  (state) => {
    slowTurns++
    state.count++
    return slowMs === 0 ? undefined : sleep(slowMs)
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
const objects = hasSlow ? [user, slow] : [user]
const app = createApp({ id, objects, log, dataDir, createTopics: true, commitInterval })
const reader = createApp({
  id: `${id}-probe`,
  flows: [probe.to(topic(`${id}-none`, output.codec, { partitions }))],
  log,
  createTopics: true,
  commitInterval: 1_000,
  commitLinger: 1_000,
})

/** A process that sends; resolves when all has been sent. */
async function produced(to: string, perSecond: number, brokers: string): Promise<void> {
  const own = ['--brokers', brokers, '--topic', to, '--rate', String(perSecond), '--seconds', String(seconds)]
  const child = fork(join(import.meta.dirname, 'latency', 'producer.js'), [...own, '--key', args.hop ? 'item' : 'user'])
  const [code] = (await once(child, 'exit')) as [number | null]
  if (code !== 0) throw new Error(`the producer ended with ${code}`)
}

/** The same from here: on the embedded log there is no other process. */
async function sendHere(): Promise<void> {
  const source = events(rate * seconds, 10_000)[Symbol.iterator]()
  const begin = performance.now()
  for (let sent = 0; sent < rate * seconds;) {
    const due = Math.min(rate * seconds, Math.floor(((performance.now() - begin) / 1_000) * rate))
    const batch: Event[] = []
    for (; sent < due; sent++)
      batch.push({ ...(source.next().value as Event), ts: performance.timeOrigin + performance.now() })
    if (batch.length > 0) await log.send(input, batch, { key: (e) => (args.hop ? e.item : e.user) })
    await sleep(tickMs)
  }
}

try {
  await app.start()
  await reader.start()
  const cpu = process.cpuUsage()
  const { brokers } = args
  const begin = performance.now()
  if (brokers === undefined) {
    const slowOnes = hasSlow ? [...events(slowRate * seconds, 10_000)] : []
    await Promise.all([sendHere(), log.send(slowInput, slowOnes, { key: (e) => e.user })])
  } else {
    const all = [produced(input.name, rate, brokers)]
    if (hasSlow) all.push(produced(slowInput.name, slowRate, brokers))
    await Promise.all(all)
  }
  await app.drained()
  await reader.drained()
  const wall = (performance.now() - begin) / 1_000
  const counted = latencies.slice(warmUp).sort((a, b) => a - b)
  const percentile = (p: number): number =>
    rounded(counted[Math.min(counted.length - 1, Math.floor(counted.length * p))] ?? NaN, 1)
  report({
    bench: 'latency',
    log: log.kind,
    rate,
    seconds,
    hop: args.hop,
    slowMs: hasSlow ? slowMs : null,
    commitInterval,
    p50Ms: percentile(0.5),
    p99Ms: percentile(0.99),
    p999Ms: percentile(0.999),
    commits: app.stats().commits,
    cpuPerSecond: rounded(cpuSeconds(cpu) / wall, 3),
    verified: latencies.length === rate * seconds && slowTurns >= (hasSlow ? slowRate * seconds : 0),
  })
} finally {
  await Promise.all([app.close(), reader.close()])
  await log[Symbol.asyncDispose]()
  rmSync(dataDir, { recursive: true, force: true })
}
