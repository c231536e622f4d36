import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { join } from 'node:path'

/** Starts a program of Kafka's own, for Java; arguments in groups that belong together. Needs the jars in .kafka/libs. */
export function javaTool(mainClass: string, ...groups: readonly string[][]): ChildProcessWithoutNullStreams {
  const virtualMachine = ['-Xmx256m', '-Dorg.slf4j.simpleLogger.defaultLogLevel=error']
  const program = ['-cp', join(process.cwd(), '.kafka', 'libs', '*'), mainClass]
  return spawn('java', [...virtualMachine, ...program, ...groups.flat()])
}
