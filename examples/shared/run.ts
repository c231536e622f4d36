import { setTimeout } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import {
  createApp,
  kafkaLog,
  memoryLog,
  type AnyStateObject,
  type App,
  type AppOptions,
  type ClientTopic,
  type Flow,
  type Log,
  type LogClient,
  type Topic,
} from 'millrace'

export interface Example {
  readonly id: string
  readonly objects: readonly AnyStateObject[]
  readonly flows?: readonly Flow[]
  readonly lookups?: NonNullable<AppOptions['lookups']>
  /** Writes the tables that are looked up, and gives how many records that were; done before `load`. */
  readonly loadTables?: (log: LogClient) => Promise<number>
  /** Writes the input; called once, when `input` is empty. Of several parts each comes when those before it are processed. */
  readonly load: Load | readonly Load[]
  readonly input: ClientTopic<unknown>
  readonly show: (log: LogClient, id: string) => Promise<void>
}

export type Load = (log: LogClient) => Promise<unknown>

/**
 * Runs an example: on the embedded log until all input is committed; with `--brokers` on Kafka until interrupted, or with
 * `--until-drained` until all input is committed.
 */
export async function run({
  id,
  objects,
  flows = [],
  lookups = [],
  loadTables,
  load,
  input,
  show,
}: Example): Promise<void> {
  const { values: args } = parseArgs({
    options: {
      brokers: { type: 'string' },
      'data-dir': { type: 'string' },
      'app-id': { type: 'string' },
      'until-drained': { type: 'boolean' },
    },
  })
  const {
    brokers,
    'data-dir': dataDir,
    'app-id': appId = id,
    'until-drained': untilDrained = brokers === undefined,
  } = args
  const log: Log & LogClient = brokers === undefined ? memoryLog() : kafkaLog({ brokers: brokers.split(',') })
  const options = { objects, flows, lookups, log, createTopics: true, ...(dataDir === undefined ? {} : { dataDir }) }
  const app = createApp({ id: appId, ...options })
  const interrupted = new Promise<'interrupted'>((resolve) =>
    ['SIGINT', 'SIGTERM'].forEach((signal) => process.once(signal, () => resolve('interrupted'))),
  )
  const ended = Promise.race([interrupted, app.closed()])
  // What stops the app is thrown where it is waited for.
  ended.catch(() => undefined)
  const progress = setInterval(() => report(appId, app), 250)
  try {
    // First, so that it makes the topics, those of lookup tables compacted.
    await app.start()
    if (await isEmpty(log, input)) {
      const rows = (await loadTables?.(log)) ?? 0
      while (app.health().live && app.stats().lookupRecords < rows) await setTimeout(20)
      const [first, ...later] = [load].flat()
      await first?.(log)
      for (const part of later) if ((await Promise.race([app.drained(), ended])) !== 'interrupted') await part(log)
    }
    await Promise.race([untilDrained ? app.drained() : ended, ended])
    report(appId, app)
    process.stderr.write('\n')
    await show(log, appId)
  } finally {
    clearInterval(progress)
    await app.close()
    await log[Symbol.asyncDispose]()
  }
}

/** The latest value of each key of a topic, as any reader of it would see it. */
export async function latestByKey<V>(log: LogClient, source: Topic<V>): Promise<Map<string, V>> {
  const latest = new Map<string, V>()
  for await (const { key, value } of log.read(source)) {
    if (key === null) continue
    if (value === null) latest.delete(key)
    else latest.set(key, value)
  }
  return latest
}

/** All values of a topic. */
export async function valuesOf<V>(log: LogClient, source: Topic<V>): Promise<V[]> {
  const values: V[] = []
  for await (const { value } of log.read(source)) if (value !== null) values.push(value)
  return values
}

export function table(heads: readonly string[], rows: readonly (readonly (string | number)[])[]): void {
  const widths = heads.map((head, i) => Math.max(head.length, ...rows.map((row) => String(row[i]).length)))
  const cell = (value: string | number | undefined, i: number): string =>
    typeof value === 'number' ? String(value).padStart(widths[i] ?? 0) : String(value).padEnd(widths[i] ?? 0)
  for (const row of [heads, widths.map((width) => '─'.repeat(width)), ...rows])
    console.log(row.map(cell).join('  ').trimEnd())
}

async function isEmpty(log: LogClient, source: ClientTopic<unknown>): Promise<boolean> {
  for await (const record of log.read(source)) return record === undefined
  return true
}

function report(id: string, app: App): void {
  const { records, turns, hops, commits, refused } = app.stats()
  process.stderr.write(
    `\r${id}: ${records} records, ${turns} turns, ${hops} hops, ${refused} refused, ${commits} commits, lag ${app.health().lag}   `,
  )
}
