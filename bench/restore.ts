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

/** Restores the state of all tasks from the changelog into an empty directory. */
const { values: args } = parseArgs({ options: { brokers: { type: 'string' }, keys: { type: 'string' } } })
const keys = whole(args.keys, 1_000_000)

const id = runName('restore')
const input = eventTopic(`${id}-in`)
/** About 100 bytes of state per key. */
const user = stateObject('user', {
  state: z.object({ count: z.number(), item: z.string(), note: z.string() }),
  init: () => ({ count: 0, item: '', note: 'x'.repeat(56) }),
}).on(
  input,
  (e) => e.user,
  (state, e) => {
    state.count++
    state.item = e.item
  },
)

const log = openLog(args.brokers)
const folders = ['a', 'b'].map(() => mkdtempSync(join(tmpdir(), 'millrace-bench-')))
const [first = '', second = ''] = folders
const appIn = (dataDir: string) => createApp({ id, objects: [user], log, dataDir, createTopics: true })

const countAll = async (app: ReturnType<typeof appIn>): Promise<readonly [objects: number, sum: number]> => {
  let objects = 0
  let sum = 0
  for await (const [, state] of app.state(user).entries()) {
    objects++
    sum += state.count
  }
  return [objects, sum]
}

try {
  const filler = appIn(first)
  await filler.start()
  process.stderr.write(`making a changelog of ${keys} keys …\n`)
  await log.send(
    input,
    [...events(keys, keys)].map((e, n) => ({ ...e, user: `user-${n}` })),
    { key: (e) => e.user },
  )
  await filler.drained()
  const before = await countAll(filler)
  await filler.close()

  process.stderr.write('restoring …\n')
  const app = appIn(second)
  const cpu = process.cpuUsage()
  const begin = performance.now()
  await app.start()
  const seconds = (performance.now() - begin) / 1_000
  const cpuUsed = cpuSeconds(cpu)
  const { restoredRecords, restoredBytes } = app.stats()
  const after = await countAll(app)
  await app.close()
  report({
    bench: 'restore',
    log: log.kind,
    keys,
    rowsPerSecond: Math.round(restoredRecords / seconds),
    megabytesPerSecond: rounded(restoredBytes / seconds / 1e6, 1),
    cpuSecondsPerMillion: rounded((cpuUsed / restoredRecords) * 1e6),
    peakMemoryMB: peakMemoryMB(),
    restoredRecords,
    verified: after[0] === before[0] && after[1] === keys && before[0] === keys,
  })
} finally {
  await log[Symbol.asyncDispose]()
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
}
