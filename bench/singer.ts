import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { createApp, type AppOptions } from 'millrace'
import { sink, source } from 'millrace/connect'
import { singerSink, singerSource } from 'millrace/singer'
import { cpuSeconds, eventTopic, openLog, peakMemoryMB, report, rounded, runName, whole } from './shared/setting.js'

/**
 * Records a second from a child process into a topic, and then out of the topic into another child process, with a STATE every 1,000
 * records; CPU of this process alone. The children are of Node and do nothing else: what remains is what a program in any language can get at most.
 */
const { values: args } = parseArgs({ options: { brokers: { type: 'string' }, records: { type: 'string' } } })
const records = whole(args.records, 200_000)
const id = runName('singer')
const events = eventTopic(`${id}-events`)
const folder = mkdtempSync(join(tmpdir(), 'bench-singer-'))
const counted = join(folder, 'counted')

const tap = `
const say = (message) => JSON.stringify(message) + '\\n'
let n = 0
const more = () => {
  while (n < ${records}) {
    let text = ''
    for (const end = Math.min(n + 1_000, ${records}); n < end; n++) {
      const record = { user: 'user-' + (n % 10_000), item: 'sku-' + (n % 9_973), qty: n % 10, price: (n % 10_000) / 100, ts: n, src: 'web' }
      text += say({ type: 'RECORD', stream: 'events', record })
    }
    if (!process.stdout.write(text + say({ type: 'STATE', value: n }))) return process.stdout.once('drain', more)
  }
}
more()`

const target = `
let rest = '', count = 0, sum = 0
process.stdin.on('data', (chunk) => {
  const lines = (rest + chunk).split('\\n')
  rest = lines.pop()
  for (const line of lines) {
    const { type, record, value } = JSON.parse(line)
    if (type === 'RECORD') { count++; sum += record.ts }
    if (type === 'STATE') process.stdout.write(JSON.stringify(value) + '\\n')
  }
})
process.stdin.on('end', () => require('node:fs').appendFileSync(process.argv[1], count + ' ' + sum + '\\n'))`

const node = process.execPath
const from = singerSource({ command: node, args: ['-e', tap], once: true })
const to = singerSink({ command: node, args: ['-e', target, counted] })
const log = openLog(args.brokers)

/** Until all records are through one connector. */
async function timed(name: string, connector: Pick<AppOptions, 'sources' | 'sinks'>): Promise<Record<string, number>> {
  const app = createApp({ id: `${id}-${name}`, log, createTopics: true, ...connector })
  const cpu = process.cpuUsage()
  const start = performance.now()
  await app.start()
  while ((app.stats().connectors[0]?.records ?? 0) < records) await sleep(5)
  const seconds = (performance.now() - start) / 1_000
  const used = cpuSeconds(cpu)
  await app.close()
  return {
    [`${name}PerSecond`]: Math.round(records / seconds),
    [`${name}CpuMicros`]: rounded((used / records) * 1e6, 1),
  }
}

const read = await timed('source', { sources: [source('tap', { into: events, from, key: ({ user }) => user })] })
const seen = new Set<number>()
for await (const { value } of log.read(events)) if (value !== null) seen.add(value.ts)
const written = await timed('sink', { sinks: [sink('target', { from: events, to, batchRecords: 1_000 })] })
await log[Symbol.asyncDispose]()

const sums = readFileSync(counted, 'utf8').trim().split('\n')
const total = sums
  .map((line) => line.split(' ').map(Number))
  .reduce(([a = 0, b = 0], [c = 0, d = 0]) => [a + c, b + d], [0, 0])
rmSync(folder, { recursive: true })
report({
  bench: 'singer',
  log: args.brokers === undefined ? 'embedded' : 'kafka',
  records,
  ...read,
  ...written,
  peakMemoryMB: peakMemoryMB(),
  verified: seen.size === records && total[0] === records && total[1] === (records * (records - 1)) / 2,
})
