import { execFile, fork, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs, promisify } from 'node:util'
import { createApp, kafkaLog, text, topic, type App } from 'millrace'
import { countOf, inputOf } from './backlog/program.js'
import { partitions, peakMemoryMB, report, rounded, runName, whole } from './shared/setting.js'

/**
 * How much memory an app takes that is far behind in one partition and current in the others, and whose only broker is away for
 * a while in the middle. Starts a broker of its own, as it stops it.
 */
const { values: args } = parseArgs({
  options: { records: { type: 'string' }, 'turn-microseconds': { type: 'string' }, 'away-seconds': { type: 'string' } },
})
const records = whole(args.records, 2_000_000)
const awayMs = whole(args['away-seconds'], 15) * 1_000
/** Records a second for the partitions without a backlog. */
const rate = 1_500

const id = runName('backlog')
const script = join('integration', 'kafka', 'kafka.mjs')
const folder = mkdtempSync(join(tmpdir(), 'millrace-bench-'))
const kafkaFolder = join(folder, 'kafka')
const env = { ...process.env, KAFKA_HEAP_OPTS: process.env.KAFKA_HEAP_OPTS ?? '-Xmx512m' }
const kafka = async (...argv: string[]): Promise<string> => {
  const { stdout } = await promisify(execFile)(process.execPath, [script, ...argv, '--dir', kafkaFolder], { env })
  return stdout.trim()
}

/** Highest since the last call, in MB. */
class Memory {
  #rss = 0
  #heap = 0
  #buffers = 0
  readonly #timer = setInterval(() => this.#look(), 50)

  #look(): void {
    const { rss, heapUsed, arrayBuffers } = process.memoryUsage()
    this.#rss = Math.max(this.#rss, rss)
    this.#heap = Math.max(this.#heap, heapUsed)
    this.#buffers = Math.max(this.#buffers, arrayBuffers)
  }

  take(): { rssMB: number; heapMB: number; buffersMB: number } {
    this.#look()
    const [rssMB = 0, heapMB = 0, buffersMB = 0] = [this.#rss, this.#heap, this.#buffers].map((n) =>
      Math.round(n / 2 ** 20),
    )
    this.#rss = this.#heap = this.#buffers = 0
    return { rssMB, heapMB, buffersMB }
  }

  stop(): void {
    clearInterval(this.#timer)
  }
}

const address = await kafka('start', '--port', '0')
const log = kafkaLog({ brokers: [address] })
const memory = new Memory()
let feeder: ChildProcess | undefined
try {
  await createTopics()
  process.stderr.write(`filling one partition with ${records} records …\n`)
  feeder = fork(join(import.meta.dirname, 'backlog', 'feeder.js'), [
    '--brokers',
    address,
    '--id',
    id,
    '--backlog',
    String(records),
    '--rate',
    String(rate),
  ])
  await said(feeder)
  const user = countOf(inputOf(id), whole(args['turn-microseconds'], 10))
  const app = createApp({ id, objects: [user], log, dataDir: folder, createTopics: true })
  const states: string[] = []
  app.onStateChange(({ to }) => states.push(to))
  const idle = memory.take()
  await app.start()
  const began = performance.now()
  while (app.health().lag === 0) await sleep(10)
  const lagAtStart = app.health().lag

  await processed(app, records / 2)
  const catchingUp = memory.take()
  process.stderr.write(`the broker goes away for ${awayMs / 1_000} s …\n`)
  const port = address.split(':')[1]!
  await kafka('stop')
  await sleep(awayMs)
  const lagWhileAway = app.health().lag
  const brokerAway = memory.take()
  await kafka('start', '--port', port)

  await processed(app, records)
  feeder.send('stop')
  const { sent } = (await said(feeder)) as { sent: number }
  await app.drained()
  const seconds = (performance.now() - began) / 1_000
  const afterwards = memory.take()
  let sum = 0
  for await (const [, { count }] of app.state(user).entries()) sum += count
  const { rollbacks } = app.stats()
  await app.close()
  report({
    bench: 'backlog',
    records,
    sent,
    seconds: rounded(seconds, 1),
    idle,
    catchingUp,
    brokerAway,
    afterwards,
    peakMemoryMB: peakMemoryMB(),
    lagAtStart,
    lagWhileAway,
    rollbacks,
    states,
    verified: sum === sent && sent > records && states.includes('degraded'),
  })
} finally {
  memory.stop()
  feeder?.kill('SIGKILL')
  await log[Symbol.asyncDispose]()
  await kafka('stop')
  rmSync(folder, { recursive: true, force: true })
}

/** The app makes its topics; the feeder needs them before it. */
async function createTopics(): Promise<void> {
  const probe = topic(`${id}-probe`, text(), { partitions })
  const maker = createApp({
    id: `${id}-maker`,
    flows: [
      inputOf(id)
        .map((e) => e.user)
        .to(probe),
    ],
    log,
    dataDir: join(folder, 'maker'),
    createTopics: true,
  })
  await maker.start()
  await maker.close()
}

async function processed(app: App, wanted: number): Promise<void> {
  while (app.stats().turns < wanted) await Promise.race([sleep(50), app.closed()])
}

function said(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve, reject) => {
    child.once('message', resolve)
    child.once('exit', (code) => reject(new Error(`the feeder ended with ${code}`)))
  })
}
