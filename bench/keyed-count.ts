import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { createApp, stateObject, topic, type AppOptions } from 'millrace'
import { z } from 'zod'
import {
  cpuSeconds,
  events,
  eventTopic,
  guaranteeOf,
  openLog,
  partitions,
  peakMemoryMB,
  report,
  rounded,
  runName,
  whole,
} from './shared/setting.js'

/** Counts and sums events per user: how many records a second, at what cost in CPU and memory. */
const { values: args } = parseArgs({
  options: {
    brokers: { type: 'string' },
    keys: { type: 'string' },
    records: { type: 'string' },
    emit: { type: 'string', default: 'none' },
    hops: { type: 'string', default: 'none' },
    compression: { type: 'string', default: 'gzip' },
    guarantee: { type: 'string' },
    interval: { type: 'string' },
  },
})
const keys = whole(args.keys, 100_000)
const records = whole(args.records, 1_000_000)
const commitInterval = whole(args.interval, 100)
const guarantee = guaranteeOf(args.guarantee)
if (args.emit !== 'none' && args.emit !== 'all') throw new Error(`--emit ${args.emit}: use none or all`)
const emits = args.emit === 'all'
if (args.hops !== 'none' && args.hops !== 'all') throw new Error(`--hops ${args.hops}: use none or all`)
/** Checked by the app. */
const compression = args.compression as NonNullable<AppOptions['compression']>

const id = runName('keyed-count')
const input = eventTopic(`${id}-in`)
const output = topic(`${id}-out`, z.object({ user: z.string(), count: z.number(), sum: z.number() }), { partitions })
const user = stateObject('user', {
  state: z.object({ count: z.number(), sum: z.number(), last: z.number() }),
  init: () => ({ count: 0, sum: 0, last: 0 }),
}).on(
  input,
  // Records are written by key, so that none would hop.
  { key: (e) => e.user, route: args.hops === 'all' ? 'shuffle' : 'auto' },
  (state, e, turn) => {
    state.count++
    state.sum += e.qty * e.price
    state.last = e.ts
    if (emits) turn.emit(output, { user: turn.key, count: state.count, sum: state.sum })
  },
)

const log = openLog(args.brokers)
const dataDir = mkdtempSync(join(tmpdir(), 'millrace-bench-'))
const app = createApp({ id, objects: [user], log, dataDir, createTopics: true, guarantee, commitInterval, compression })
try {
  // The app's first start makes the topics; what is timed is a second start on a full topic.
  const maker = createApp({ id, objects: [user], log, dataDir, createTopics: true, guarantee, compression })
  await maker.start()
  await maker.close()
  process.stderr.write(`writing ${records} records over ${keys} keys …\n`)
  await log.send(input, events(records, keys), { key: (e) => e.user })

  process.stderr.write('counting …\n')
  const cpu = process.cpuUsage()
  const begin = performance.now()
  await app.start()
  await app.drained()
  const seconds = (performance.now() - begin) / 1_000
  const cpuUsed = cpuSeconds(cpu)
  const { commits, turns, rollbacks } = app.stats()

  let counted = 0
  let objects = 0
  for await (const [, state] of app.state(user).entries()) {
    counted += state.count
    objects++
  }
  report({
    bench: 'keyed-count',
    log: log.kind,
    guarantee,
    keys,
    records,
    emit: args.emit,
    hops: args.hops,
    compression,
    commitInterval,
    recordsPerSecond: Math.round(records / seconds),
    cpuSecondsPerMillion: rounded((cpuUsed / records) * 1e6),
    peakMemoryMB: peakMemoryMB(),
    commits,
    rollbacks,
    objects,
    verified: counted === records && turns === records,
  })
} finally {
  await app.close()
  await log[Symbol.asyncDispose]()
  rmSync(dataDir, { recursive: true, force: true })
}
