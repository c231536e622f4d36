import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'

/** Where jars.mjs, which Node runs and Jest cannot, has copied them. */
const version = process.env.KAFKA_VERSION
const libs = join(process.cwd(), '.kafka', version ? `libs-${version}` : 'libs')

/** Starts a program of Kafka's own, for Java; arguments in groups that belong together. Needs the jars of the broker. */
export function javaTool(mainClass: string, ...groups: readonly string[][]): ChildProcessWithoutNullStreams {
  // Short lives: the first compiler alone takes less CPU.
  const virtualMachine = ['-Xmx256m', '-XX:TieredStopAtLevel=1', '-Dorg.slf4j.simpleLogger.defaultLogLevel=error']
  return spawn('java', [...virtualMachine, '-cp', join(libs, '*'), mainClass, ...groups.flat()])
}

/** What the console programs are called, and their options, in the version of the jars. */
export function consoleNames() {
  const jar = readdirSync(libs).find((name) => name.startsWith('kafka-tools-'))
  const [major, minor] =
    /-(\d+)\.(\d+)/
      .exec(jar ?? '')
      ?.slice(1)
      .map(Number) ?? []
  if (major === undefined || minor === undefined) throw new Error(`of which version is ${jar} in ${libs}?`)
  const since = (wanted: number, lesser: number): boolean => major > wanted || (major === wanted && minor >= lesser)
  return {
    consumer: since(3, 8) ? 'org.apache.kafka.tools.consumer.ConsoleConsumer' : 'kafka.tools.ConsoleConsumer',
    producer: since(4, 0) ? 'org.apache.kafka.tools.ConsoleProducer' : 'kafka.tools.ConsoleProducer',
    // KIP-1147: the old names are told to be deprecated, between the records.
    formatter: since(4, 2) ? '--formatter-property' : '--property',
    reader: since(4, 2) ? '--reader-property' : '--property',
    producing: since(4, 2) ? '--command-property' : '--producer-property',
  }
}
