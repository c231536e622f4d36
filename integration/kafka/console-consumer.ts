import { createInterface } from 'node:readline'
import { consoleNames, javaTool } from './java-tool.js'

/** A record as Kafka's own console consumer prints it. */
export interface ConsoleRecord {
  readonly partition: number
  readonly offset: number
  readonly key: string
  readonly value: string
}

/** On a busy machine Kafka's own consumer takes a while for its first record. */
const patienceMs = 60_000

/**
 * Committed records of a topic as Kafka's own consumer for Java sees them. It ends after as many records as we have read: were
 * one of them not the same, a partition would differ. With fewer when no other comes in a minute.
 * Needs java and the jars of the broker.
 */
export async function* consoleRecords(
  brokers: readonly string[],
  topic: string,
  records: number,
): AsyncGenerator<ConsoleRecord> {
  const { consumer, formatter } = consoleNames()
  const show = ['partition', 'offset', 'key', 'value'].map((part) => [formatter, `print.${part}=true`]).flat()
  const child = javaTool(
    consumer,
    ['--bootstrap-server', brokers.join(','), '--topic', topic],
    ['--isolation-level', 'read_committed', '--from-beginning', '--timeout-ms', String(patienceMs), ...show],
    ['--max-messages', String(records)],
  )
  // What it logs is read and dropped: a full pipe would stop it.
  child.stderr.resume()
  try {
    for await (const line of createInterface(child.stdout)) {
      const [partition, offset, key, value] = line.split('\t')
      if (partition === undefined || offset === undefined || key === undefined || value === undefined)
        throw new Error(`${topic}: not a record: ${line}`)
      yield {
        partition: Number(partition.replace('Partition:', '')),
        offset: Number(offset.replace('Offset:', '')),
        key,
        value,
      }
    }
  } finally {
    child.kill('SIGKILL')
  }
}
