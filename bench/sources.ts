import { createApp, source, text, topic, type SourceConnector } from 'millrace'
import { parseArgs } from 'node:util'
import { cpuSeconds, openLog, partitions, peakMemoryMB, report, rounded, runName, whole } from './shared/setting.js'

/** Records a second from a replayable source into a topic, exactly once. */
const { values: args } = parseArgs({
  options: {
    brokers: { type: 'string' },
    records: { type: 'string' },
    batch: { type: 'string' },
    parts: { type: 'string' },
  },
})
const records = whole(args.records, 1_000_000)
const batch = whole(args.batch, 500)
const parts = whole(args.parts, 1)

const id = runName('sources')
const lines = topic(`${id}-lines`, text(), { partitions })
const line = (n: number): string => `${n} `.padEnd(100, 'x')

const from: SourceConnector<number> = {
  kind: 'numbers',
  delivery: 'replayable',
  partitions: Array.from({ length: parts }, (_, part) => String(part)),
  async *open({ partition, position = 0, signal }) {
    // Part p gives p, p + parts, p + 2 * parts, …
    for (let at = position; at * parts + Number(partition) < records;) {
      const next = []
      for (; next.length < batch && at * parts + Number(partition) < records; at++)
        next.push({ key: `k${at % 1_000}`, value: line(at * parts + Number(partition)) })
      yield { records: next, position: at }
    }
    await new Promise((resolve) => signal.addEventListener('abort', resolve))
  },
}

const log = openLog(args.brokers)
const app = createApp({ id, log, sources: [source('numbers', { into: lines, from })], createTopics: true })
await app.start()
const began = performance.now()
const cpu = process.cpuUsage()
while ((app.stats().connectors[0]?.records ?? 0) < records) await new Promise((resolve) => setTimeout(resolve, 5))
const seconds = (performance.now() - began) / 1_000
const used = cpuSeconds(cpu)
const { commits = 0 } = app.stats().connectors[0] ?? {}
await app.close()

const seen = new Uint8Array(records)
for await (const { value } of log.read(lines)) seen[Number.parseInt(String(value), 10)]!++
await log[Symbol.asyncDispose]()
report({
  bench: 'sources',
  log: args.brokers === undefined ? 'memory' : 'kafka',
  records,
  batch,
  parts,
  commits,
  seconds: rounded(seconds),
  recordsPerSecond: Math.round(records / seconds),
  cpuSeconds: rounded(used),
  cpuMicrosPerRecord: rounded((used * 1e6) / records),
  peakMemoryMB: peakMemoryMB(),
  verified: seen.every((count) => count === 1),
})
