import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { join } from 'node:path'

/** A record as Kafka's own console consumer prints it. */
export interface ConsoleRecord {
  readonly partition: number
  readonly offset: number
  readonly key: string
  readonly value: string
}

/**
 * All committed records of a topic as Kafka's own consumer for Java sees them. It ends when nothing has come for 5 s.
 * Needs java and the jars in .kafka/libs.
 */
export async function* consoleRecords(brokers: readonly string[], topic: string): AsyncGenerator<ConsoleRecord> {
  const show = ['partition', 'offset', 'key', 'value'].map((part) => ['--property', `print.${part}=true`]).flat()
  const child = spawn(
    'java',
    [
      ...[
        '-Xmx256m',
        '-Dorg.slf4j.simpleLogger.defaultLogLevel=error',
        '-cp',
        join(process.cwd(), '.kafka', 'libs', '*'),
      ],
      ...['org.apache.kafka.tools.consumer.ConsoleConsumer', '--bootstrap-server', brokers.join(','), '--topic', topic],
      ...['--isolation-level', 'read_committed', '--from-beginning', '--timeout-ms', '5000', ...show],
    ],
    { stdio: ['ignore', 'pipe', 'ignore'] },
  )
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
