import { execFileSync } from 'node:child_process'
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { createApp, kafkaLog, memoryLog } from 'millrace'
import { table } from '../shared/run.js'
import { lines, rows, sensor } from './climate.js'

const { values: args } = parseArgs({
  options: { brokers: { type: 'string' }, 'app-id': { type: 'string', default: 'climate' } },
})
const log = args.brokers === undefined ? memoryLog() : kafkaLog({ brokers: args.brokers.split(',') })
const folder = mkdtempSync(join(tmpdir(), 'climate-'))
const [input, database] = [join(folder, 'readings.csv'), join(folder, 'highs.db')]

/** Readings of three sensors, the same each time. */
const reading = (n: number): string => `${['attic', 'cellar', 'garden'][n % 3]},${((n * 7_919) % 400) / 10}\n`
const append = (from: number, to: number): void =>
  appendFileSync(input, Array.from({ length: to - from }, (_, i) => reading(from + i)).join(''))

/** What is in SQLite. Node 20 cannot look itself. */
function stored(): [string, number, number][] {
  const query =
    'import json, sqlite3, sys; print(json.dumps(sqlite3.connect(sys.argv[1], timeout=30).execute("select * from highs order by 1").fetchall()))'
  return JSON.parse(String(execFileSync('python3', ['-c', query, database]))) as [string, number, number][]
}

async function untilStored(count: number): Promise<void> {
  while (app.stats().connectors.every(({ kind, records }) => kind === 'source' || records === 0)) await sleep(50)
  while (stored().reduce((sum, [, , each]) => sum + each, 0) < count) await sleep(50)
}

const app = createApp({
  id: args['app-id'],
  log,
  objects: [sensor],
  sources: [lines(input)],
  sinks: [rows(database)],
  createTopics: true,
})
try {
  append(0, 900)
  await app.start()
  await untilStored(900)
  append(900, 1_000)
  await untilStored(1_000)
  table(['sensor', 'highest', 'readings'], stored())
} finally {
  await app.close()
  await log[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true })
}
