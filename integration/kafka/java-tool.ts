import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { join } from 'node:path'

/** Starts a program of Kafka's own, for Java; arguments in groups that belong together. Needs the jars in .kafka/libs. */
export function javaTool(mainClass: string, ...groups: readonly string[][]): ChildProcessWithoutNullStreams {
  // Short lives: the first compiler alone takes less CPU.
  const virtualMachine = ['-Xmx256m', '-XX:TieredStopAtLevel=1', '-Dorg.slf4j.simpleLogger.defaultLogLevel=error']
  const program = ['-cp', join(process.cwd(), '.kafka', 'libs', '*'), mainClass]
  return spawn('java', [...virtualMachine, ...program, ...groups.flat()])
}
