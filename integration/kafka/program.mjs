// What the start scripts of brokers and of other components have in common.
import { readFileSync } from 'node:fs'

/** Runs what was chosen on the command line; undefined: it was misused, and the usage is printed. Sets the exit code. */
export async function runChosen(name, usage, chosen) {
  if (chosen === undefined) {
    process.stderr.write(usage)
    process.exitCode = 2
    return
  }
  try {
    await chosen.run(chosen)
  } catch (error) {
    console.error(`${name}: ${error.message}`)
    process.exitCode = 1
  }
}

/** Whether a process runs with `word` in its command line: the number of a dead one may belong to another by now. */
export function runsWith(pid, word) {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(word)
  } catch {
    return false
  }
}
