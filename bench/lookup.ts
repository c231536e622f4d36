import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { createApp, lookup, stateObject, text, topic } from 'millrace'
import { z } from 'zod'
import { cpuSeconds, openLog, partitions, peakMemoryMB, report, rounded, runName, whole } from './shared/setting.js'

/** What a row of a lookup table costs: in memory, to read at start, and to look up. */
const { values: args } = parseArgs({ options: { brokers: { type: 'string' }, rows: { type: 'string' } } })
const rows = whole(args.rows, 1_000_000)

const id = runName('lookup')
const customer = z.object({
  id: z.string(),
  name: z.string(),
  country: z.string(),
  tier: z.number(),
  since: z.number(),
})
const customersTopic = topic(`${id}-customers`, customer, { partitions })
const customers = lookup(customersTopic)
const asks = topic(`${id}-asks`, text(), { partitions })

const row = (n: number): z.infer<typeof customer> => ({
  id: `c-${n}`,
  name: `Customer ${n} Inc.`,
  country: ['NL', 'DE', 'FR', 'PL'][n % 4] as string,
  tier: n % 5,
  since: 1_700_000_000_000 + n,
})
function* all(): Iterable<z.infer<typeof customer>> {
  for (let n = 0; n < rows; n++) yield row(n)
}

setFlagsFromString('--expose-gc')
const collect: () => void = runInNewContext('gc')
const heapBytes = (): number => {
  collect()
  return process.memoryUsage().heapUsed
}

let cpuPerLookup = 0
let found = 0
const lookups = 200_000
/** One turn that looks up keys all over the table. */
const asker = stateObject('asker', { state: z.object({}), init: () => ({}) }).on(
  asks,
  (ask) => ask,
  (_state, _ask, turn) => {
    const keys = Array.from({ length: lookups }, (_, n) => `c-${(n * 7_919) % rows}`)
    const began = process.cpuUsage()
    for (const key of keys) if (turn.lookup(customers, key)?.id === key) found++
    cpuPerLookup = cpuSeconds(began) / lookups
  },
)

const log = openLog(args.brokers)
const dataDir = mkdtempSync(join(tmpdir(), 'millrace-bench-'))
const appOf = (name: string) =>
  createApp({ id: `${id}-${name}`, objects: [asker], lookups: [customers], log, dataDir, createTopics: true })
try {
  // Makes the topics, the table's compacted.
  const maker = appOf('maker')
  await maker.start()
  await maker.close()
  process.stderr.write(`sending ${rows} rows …\n`)
  await log.send(customersTopic, all(), { key: (row) => row.id })
  const before = heapBytes()
  const cpu = process.cpuUsage()
  const app = appOf('app')
  const began = performance.now()
  await app.start()
  const seconds = (performance.now() - began) / 1_000
  const cpuUsed = cpuSeconds(cpu)
  const { lookupRecords } = app.stats()
  const bytesPerRow = (heapBytes() - before) / rows
  await log.send(asks, ['ask'])
  await app.drained()
  await app.close()
  report({
    bench: 'lookup',
    log: log.kind,
    rows,
    jsonBytes: JSON.stringify(row(rows >> 1)).length,
    heapBytesPerRow: Math.round(bytesPerRow),
    rowsPerSecond: Math.round(lookupRecords / seconds),
    cpuSecondsPerMillion: rounded((cpuUsed / lookupRecords) * 1e6),
    cpuNanosecondsPerLookup: Math.round(cpuPerLookup * 1e9),
    peakMemoryMB: peakMemoryMB(),
    verified: lookupRecords === rows && found === lookups,
  })
} finally {
  await log[Symbol.asyncDispose]()
  rmSync(dataDir, { recursive: true, force: true })
}
