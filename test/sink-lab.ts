import { z } from 'zod'
import { sink, type SinkBatch, type SinkConnector, type SinkOptions, type SinkPartition } from 'millrace/connect'
import { SinkRunner } from '../lib/connect/sinks/sink-runner.js'
import type { RunnerOptions } from '../lib/connect/runner.js'
import { systemClock } from '../lib/core/clock.js'
import { silentLogger, type Logger } from '../lib/core/logger.js'
import { bytes } from '../lib/codec/codec.js'
import { logClient } from '../lib/log/client/client.js'
import type { LogPort } from '../lib/log/port.js'
import type { MemoryLog } from '../lib/memory/memory-log.js'
import { topic, type Topic } from '../lib/model/stream.js'

export interface Row {
  readonly n: number
}
export const rows: Topic<Row> = topic('rows', z.object({ n: z.number() }))

/** What runners need of an app. */
export const runnerOptions = (log: LogPort, changes: Partial<RunnerOptions> = {}): RunnerOptions => ({
  app: 'shop',
  log,
  clock: systemClock,
  logger: silentLogger,
  instanceId: undefined,
  sessionTimeoutMs: 10_000,
  createTopics: false,
  replicationFactor: -1,
  maxRecordBytes: 1 << 20,
  compression: 'none',
  version: undefined,
  onFailure: () => undefined,
  ...changes,
})

export type Opening = SinkPartition<Row> | Promise<SinkPartition<Row>>

/** A connector that is this function. */
export const connector = (open: SinkConnector<Row>['open']): SinkConnector<Row> => ({ kind: 'test', open })

/** One that puts what comes into `into`. */
export const writingTo = (into: SinkBatch<Row>[]): SinkConnector<Row> =>
  connector(() => ({ write: (batch) => void into.push(batch) }))

/** The runner of sink `out` over `rows`. */
export function runner(
  log: LogPort,
  to: SinkConnector<Row>,
  options: Partial<SinkOptions<Row>> = {},
  app: Partial<RunnerOptions> = {},
): SinkRunner {
  return new SinkRunner(runnerOptions(log, app), sink('out', { from: rows, to, backoff: 1, maxBackoff: 4, ...options }))
}

/** Sends rows `from` to `to - 1`, with keys `k0` to `k9`. */
export async function sendRows(log: MemoryLog, from: number, to: number): Promise<void> {
  const values = Array.from({ length: to - from }, (_, i) => ({ n: from + i }))
  await log.send(rows, values, { key: ({ n }) => `k${n % 10}` })
}

export async function newRows(log: LogPort, partitions: number): Promise<void> {
  await log.admin.create([{ name: rows.name, partitions, replicationFactor: -1, configs: {} }])
}

/** Waits until it is so. */
export async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await systemClock.sleep(1)
}

/** What the sink has committed, by partition. */
export async function committed(log: LogPort, partitions: number): Promise<readonly (number | undefined)[]> {
  const all = Array.from({ length: partitions }, (_, partition) => ({ topic: rows.name, partition }))
  const found = (await log.admin.stableCommitted('shop-sink-out', all)).get(rows.name)
  return all.map(({ partition }) => found?.get(partition))
}

export const numbers = (batches: readonly SinkBatch<Row>[]): readonly (number | undefined)[] =>
  batches.flatMap(({ records }) => records.map(({ value }) => value?.n))

/** The dead letters of the app, by `topic[partition]@offset`, with what they say. */
export async function letters(log: LogPort): Promise<readonly Readonly<Record<string, string>>[]> {
  const client = logClient(log, systemClock)
  const found: Record<string, string>[] = []
  for await (const { record } of client.read({ name: 'shop-dlq', codec: bytes() })) {
    const own = [...record.headers].filter(([name]) => name.startsWith('millrace.'))
    found.push(Object.fromEntries(own.map(([name, value]) => [name.slice(9), Buffer.from(value!).toString()])))
  }
  return found
}

/** A logger, and what it was told. */
export function hearing(): { readonly logger: Logger; readonly heard: string[] } {
  const heard: string[] = []
  const note =
    (level: string) =>
    (_: object, message = ''): void =>
      void heard.push(`${level}: ${message}`)
  return { heard, logger: { debug: () => undefined, info: () => undefined, warn: note('warn'), error: note('error') } }
}
