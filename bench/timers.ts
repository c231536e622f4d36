import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { createApp, stateObject, topic } from 'millrace'
import { z } from 'zod'
import { events, eventTopic, openLog, partitions, report, runName, whole } from './shared/setting.js'

/** Many timers that are due in hours, one for each object: what they cost in memory, and a restart with them. */
const { values: args } = parseArgs({ options: { brokers: { type: 'string' }, timers: { type: 'string' } } })
const timers = whole(args.timers, 1_000_000)

const id = runName('timers')
const input = eventTopic(`${id}-in`)
const fired = topic(`${id}-fired`, z.object({ user: z.string() }), { partitions })
const hour = 3_600_000
const object = (withTimers: boolean) =>
  stateObject('user', { state: z.object({ count: z.number() }), init: () => ({ count: 0 }) })
    .timers({ late: z.null() })
    .on(
      input,
      (e) => `${e.user} ${e.ts}`,
      (state, e, turn) => {
        state.count++
        // Between one hour and a day from now, and one in 10,000 in ten seconds.
        const after = e.ts % 10_000 === 0 ? 10_000 : hour + (e.ts % 82_800) * 1_000
        if (withTimers) turn.timer('late', after, null)
      },
    )
    .onTimer('late', (_state, _payload, turn) => turn.emit(fired, { user: turn.key }))

const settledHeap = (): number => {
  globalThis.gc?.()
  return Math.round(process.memoryUsage().heapUsed / 2 ** 20)
}

async function run(withTimers: boolean): Promise<{ heapMB: number; startMs: number; fired: number }> {
  const log = openLog(args.brokers)
  const dataDir = mkdtempSync(join(tmpdir(), 'millrace-bench-'))
  const options = { id, objects: [object(withTimers)], log, dataDir, createTopics: true, cacheEntries: 20_000 }
  try {
    await log.send(input, events(timers, timers), { key: (e) => `${e.user} ${e.ts}` })
    const first = createApp(options)
    await first.start()
    await first.drained()
    const before = first.stats().turns - timers
    await first.close()
    const again = createApp(options)
    const from = performance.now()
    await again.start()
    const startMs = performance.now() - from
    const heapMB = settledHeap()
    const expected = withTimers ? Math.floor(timers / 10_000) : 0
    const count = (): number => before + again.stats().turns
    for (let second = 0; second < 20 && count() < expected; second++)
      await new Promise((resolve) => setTimeout(resolve, 1_000))
    const firedInAll = count()
    await again.close()
    return { heapMB, startMs: Math.round(startMs), fired: firedInAll }
  } finally {
    await log[Symbol.asyncDispose]()
    rmSync(dataDir, { recursive: true, force: true })
  }
}

const without = await run(false)
const withThem = await run(true)
report({
  bench: 'timers',
  log: args.brokers === undefined ? 'memory' : 'kafka',
  timers,
  heapWithoutMB: without.heapMB,
  heapWithMB: withThem.heapMB,
  startWithoutMs: without.startMs,
  startWithMs: withThem.startMs,
  fired: withThem.fired,
  verified: withThem.fired === Math.floor(timers / 10_000),
})
