import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { createApp, stateObject } from 'millrace'
import { z } from 'zod'
import {
  cpuSeconds,
  events,
  eventTopic,
  openLog,
  peakMemoryMB,
  report,
  rounded,
  runName,
  whole,
} from './shared/setting.js'

/** Handlers that wait: `--wait` milliseconds for each record, over many keys. */
const { values: args } = parseArgs({
  options: {
    brokers: { type: 'string' },
    keys: { type: 'string' },
    records: { type: 'string' },
    wait: { type: 'string' },
  },
})
const keys = whole(args.keys, 100_000)
const records = whole(args.records, 500_000)
const waitMs = whole(args.wait, 1)

const id = runName('async')
const input = eventTopic(`${id}-in`)
let most = 0
let running = 0

const user = stateObject('user', { state: z.object({ count: z.number() }), init: () => ({ count: 0 }) }).on(
  input,
  (e) => e.user,
  async (state) => {
    most = Math.max(most, ++running)
    await new Promise((resolve) => setTimeout(resolve, waitMs))
    running--
    state.count++
  },
)

const log = openLog(args.brokers)
const dataDir = mkdtempSync(join(tmpdir(), 'millrace-bench-'))
const app = createApp({ id, objects: [user], log, dataDir, createTopics: true })

process.stderr.write(`writing ${records} records over ${keys} keys …\n`)
await log.send(input, events(records, keys), { key: (e) => e.user })
process.stderr.write('waiting for each …\n')
const cpu = process.cpuUsage()
const from = performance.now()
await app.start()
await app.drained()
const seconds = (performance.now() - from) / 1_000
let sum = 0
for await (const [, { count }] of app.state(user).entries()) sum += count
const { turns, commits } = app.stats()
await app.close()
await log[Symbol.asyncDispose]()
rmSync(dataDir, { recursive: true, force: true })

report({
  bench: 'async-turns',
  log: args.brokers === undefined ? 'memory' : 'kafka',
  keys,
  records,
  waitMs,
  recordsPerSecond: Math.round(records / seconds),
  cpuSecondsPerMillion: rounded((cpuSeconds(cpu) / records) * 1e6),
  mostAtOnce: most,
  commits,
  peakMemoryMB: peakMemoryMB(),
  verified: sum === records && turns === records,
})
