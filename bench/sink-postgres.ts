import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { createApp, sink } from 'millrace'
import pg from 'pg'
import { paymentsOf, tables, type Payment } from '../integration/postgres/payments.js'
import { postgresSink } from '../integration/postgres/postgres-sink.js'
import { OwnPostgres } from '../integration/setup/own-postgres.js'
import { cpuSeconds, openLog, peakMemoryMB, report, rounded, runName, whole } from './shared/setting.js'

/** Rows into PostgreSQL by a sink that keeps its offset in the transaction of its rows, and what that costs in this process. */
const { values: args } = parseArgs({
  options: { brokers: { type: 'string' }, rows: { type: 'string' }, batch: { type: 'string' } },
})
const count = whole(args.rows, 200_000)
const batchRecords = whole(args.batch, 500)

const id = runName('sink')
const payments = paymentsOf(id)
function* all(): Iterable<Payment> {
  for (let n = 0; n < count; n++) yield { id: `p${n}`, account: `account ${n % 1_000}`, cents: n + 1 }
}

const log = openLog(args.brokers)
const dataDir = mkdtempSync(join(tmpdir(), 'millrace-bench-'))
const database = await OwnPostgres.start()
const db = new pg.Client({ connectionString: database.url })
try {
  await db.connect()
  await db.query(tables)
  const options = { from: payments, to: postgresSink(database.url), batchRecords }
  const appOf = () =>
    createApp({ id, objects: [], sinks: [sink('payments', options)], log, dataDir, createTopics: true })
  // Makes the topic, and is closed before rows are sent: what is measured is what is there already.
  const maker = appOf()
  await maker.start()
  await maker.close()
  process.stderr.write(`sending ${count} rows …\n`)
  await log.send(payments, all(), { key: ({ account }) => account })
  const app = appOf()
  const cpu = process.cpuUsage()
  const began = performance.now()
  await app.start()
  while ((app.stats().connectors[0]?.records ?? 0) < count) await new Promise((resolve) => setTimeout(resolve, 10))
  const seconds = (performance.now() - began) / 1_000
  const cpuUsed = cpuSeconds(cpu)
  await app.close()
  const { rows } = await db.query<{ rows: string; different: string; cents: string }>(
    'select count(*) as rows, count(distinct id) as different, sum(cents) as cents from payments',
  )
  const found = rows[0]
  const verified =
    Number(found?.rows) === count &&
    Number(found?.different) === count &&
    Number(found?.cents) === (count * (count + 1)) / 2
  report({
    bench: 'sink-postgres',
    log: log.kind,
    rows: count,
    batchRecords,
    rowsPerSecond: Math.round(count / seconds),
    cpuMicrosPerRow: rounded((cpuUsed * 1e6) / count),
    peakMemoryMB: peakMemoryMB(),
    verified,
  })
} finally {
  await db.end()
  await log[Symbol.asyncDispose]()
  await database.remove()
  rmSync(dataDir, { recursive: true, force: true })
}
