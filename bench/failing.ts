import { parseArgs } from 'node:util'
import { createApp, memoryLog, stateObject, tumbling, type App, type Logger } from 'millrace'
import { z } from 'zod'
import { topic } from 'millrace'
import { cpuSeconds, openLog, partitions, report, rounded, runName, whole } from './shared/setting.js'

/**
 * What failing turns cost those that do not fail: the time of a backlog with and without objects that fail, and how late a
 * window closes while an object fails every second and a source partition is silent.
 */
const { values: args } = parseArgs({
  options: { brokers: { type: 'string' }, records: { type: 'string' }, poison: { type: 'string' } },
})
const records = whole(args.records, 200_000)
const poison = whole(args.poison, 2_000)

const id = runName('failing')
const order = z.object({ id: z.string(), n: z.number(), fails: z.boolean() })
const quiet: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }

interface Backlog {
  readonly seconds: number
  readonly cpu: number
  readonly stats: ReturnType<App['stats']>
}

/** Objects whose second record fails, spread over a backlog of others; without `failing` it does not. */
async function backlog(failing: boolean): Promise<Backlog> {
  const name = `${id}-${failing ? 'failing' : 'sound'}`
  const orders = topic(`${name}-in`, order, { partitions })
  const object = stateObject('order', { state: z.object({ sum: z.number() }), init: () => ({ sum: 0 }) }).on(
    orders,
    { key: (e) => e.id, onError: { attempts: 1 } },
    (state, e) => {
      state.sum += e.n
      if (e.fails) throw new Error('this one fails')
    },
  )
  function* all(): Iterable<z.infer<typeof order>> {
    const every = Math.floor(records / poison)
    for (let n = 0; n < records; n++) {
      yield { id: `order-${n % 20_000}`, n, fails: false }
      if (n % every !== 0 || n / every >= poison) continue
      yield { id: `poison-${n}`, n, fails: false }
      yield { id: `poison-${n}`, n, fails: failing }
    }
  }
  const log = openLog(args.brokers)
  const app = createApp({ id: name, objects: [object], log, createTopics: true, logger: quiet })
  try {
    await log.send(orders, all(), { key: (e) => e.id })
    const cpu = process.cpuUsage()
    const begin = performance.now()
    await app.start()
    await app.drained()
    const seconds = (performance.now() - begin) / 1_000
    return { seconds, cpu: cpuSeconds(cpu), stats: app.stats() }
  } finally {
    await app.close()
    await log[Symbol.asyncDispose]()
  }
}

/** Milliseconds from when a window's last record could still have come until it is closed. */
async function windowClosesAfter(failing: boolean): Promise<{ readonly ms: number; readonly failed: number }> {
  const log = memoryLog({ partitions: 1 })
  const busy = topic('busy', order)
  const silent = topic('silent', order)
  const closed: number[] = []
  const object = stateObject('order', { state: z.object({ sum: z.number() }), init: () => ({ sum: 0 }) }).on(
    busy,
    { key: (e) => e.id, onError: { attempts: 1 } },
    (state, e) => {
      state.sum += e.n
      if (e.fails) throw new Error('this one fails')
    },
  )
  const window = stateObject('window', {
    state: z.object({ sum: z.number() }),
    init: () => ({ sum: 0 }),
    window: tumbling('1s'),
  })
    .on(
      busy,
      (e) => e.id,
      (state, e) => void (state.sum += e.n),
    )
    .on(
      silent,
      (e) => e.id,
      (state, e) => void (state.sum += e.n),
    )
    .onClose((_state, turn) => {
      if (turn.key === 'steady') closed.push(Date.now())
    })
  const app = createApp({ id, objects: [object, window], log, createTopics: true, logger: quiet })
  try {
    await log.send(busy, [])
    await log.send(silent, [{ id: 'steady', n: 1, fails: false }])
    await app.start()
    const began = Date.now()
    let second = 0
    while (closed.length === 0 && Date.now() - began < 30_000) {
      const n = second++
      await log.send(busy, [
        { id: 'steady', n, fails: false },
        { id: `poison-${n}`, n, fails: false },
        { id: `poison-${n}`, n, fails: failing },
      ])
      await new Promise((resolve) => setTimeout(resolve, 1_000))
    }
    return { ms: (closed[0] ?? Infinity) - began, failed: app.stats().failed }
  } finally {
    await app.close()
    await log[Symbol.asyncDispose]()
  }
}

const sound = await backlog(false)
const failing = await backlog(true)
const closesSound = await windowClosesAfter(false)
const closesFailing = await windowClosesAfter(true)
const all = records + 2 * poison
const isCounted =
  sound.stats.turns === all &&
  failing.stats.turns === all - poison &&
  failing.stats.failed === poison &&
  failing.stats.deadLetters === poison
report({
  bench: 'failing',
  log: args.brokers === undefined ? 'memory' : 'kafka',
  records: all,
  poison,
  secondsSound: rounded(sound.seconds),
  secondsFailing: rounded(failing.seconds),
  cpuSecondsSound: rounded(sound.cpu),
  cpuSecondsFailing: rounded(failing.cpu),
  recordsRead: failing.stats.records,
  failed: failing.stats.failed,
  deadLetters: failing.stats.deadLetters,
  windowClosesMsSound: closesSound.ms,
  windowClosesMsFailing: closesFailing.ms,
  verified: isCounted && closesSound.ms < 15_000 && closesFailing.ms < 15_000,
})
