import { silentLogger } from '../core/logger.js'
import { demand } from './contract.js'
import type { SinkBatch, SinkConnector, SinkPartition } from './sink.js'

export interface SinkContractOptions<V> {
  /** Your connector. It is asked for at each check; what it writes to is the same for all. */
  readonly connector: () => SinkConnector<V> | Promise<SinkConnector<V>>
  /** A value that the target takes, another for each number. */
  readonly value: (n: number) => V
  /** How often the target has this value now, as anybody sees it. */
  readonly count: (value: V) => number | Promise<number>
  /** A value that the target never takes; left out: there is none. */
  readonly refused?: V
}

/** What the checks have in common. */
export interface SinkBench<V> {
  readonly options: SinkContractOptions<V>
  /** Another one for each check: partitions are independent. */
  partition(): number
  values(count: number): readonly V[]
  open(partition: number): Promise<OpenSink<V>>
}

export interface OpenSink<V> {
  readonly sink: SinkPartition<V>
  close(): Promise<void>
}

export function benchOf<V>(options: SinkContractOptions<V>): SinkBench<V> {
  let partitions = 0
  let values = 0
  return {
    options,
    partition: () => partitions++,
    values: (count) => Array.from({ length: count }, () => options.value(values++)),
    async open(partition) {
      const connector = await options.connector()
      const stop = new AbortController()
      const context = { sink: 'contract', topic: 'contract', partition, signal: stop.signal, logger: silentLogger }
      const sink = await connector.open(context)
      let closed: Promise<void> | undefined
      const close = async (): Promise<void> => {
        stop.abort()
        await sink.close?.()
      }
      return { sink, close: () => (closed ??= close()) }
    },
  }
}

/** A batch of these values, from this offset on. */
export function batchOf<V>(values: readonly V[], partition: number, offset: number): SinkBatch<V> {
  const records = values.map((value, i) => ({
    key: `key ${i}`,
    value,
    bytes: Buffer.from(JSON.stringify(value) ?? 'null'),
    offset: offset + i,
    timestamp: 1_700_000_000_000 + i,
    headers: new Map<string, Uint8Array>(),
  }))
  return { topic: 'contract', partition, records, nextOffset: offset + values.length }
}

export async function demandCounts<V>(
  { options }: SinkBench<V>,
  values: readonly V[],
  when: string,
  isRight: (count: number) => boolean,
): Promise<void> {
  for (const value of values) {
    const count = await options.count(value)
    demand(isRight(count), `${when} the target has ${JSON.stringify(value)} ${count} times`)
  }
}
