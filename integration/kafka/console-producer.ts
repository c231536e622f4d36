import { once } from 'node:events'
import { consoleNames, javaTool } from './java-tool.js'

/**
 * Appends records with Kafka's own producer for Java, compressed by one of its codecs. Neither keys nor values may contain
 * tabs or line ends. Rejects with what the producer wrote when it fails. Needs java and the jars of the broker.
 */
export async function produceByConsole(
  brokers: readonly string[],
  topic: string,
  codec: string,
  records: readonly (readonly [key: string, value: string])[],
): Promise<void> {
  const { producer, reader, producing } = consoleNames()
  const child = javaTool(
    producer,
    ['--bootstrap-server', brokers.join(','), '--topic', topic, '--compression-codec', codec],
    [reader, 'parse.key=true', reader, 'key.separator=\t'],
    // Lines are sent as they come; without a pause most would be batches of their own.
    [producing, 'linger.ms=200', producing, 'batch.size=100000'],
  )
  const said: Buffer[] = []
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => said.push(chunk))
  child.stdin.end(records.map(([key, value]) => `${key}\t${value}\n`).join(''))
  const [code] = await once(child, 'close')
  const words = Buffer.concat(said).toString()
  if (code !== 0 || /ERROR|Exception/.test(words)) throw new Error(`${topic}: the console producer failed: ${words}`)
}
