// Compiles what is stale, then runs one compiled program in this terminal with its exit code.
import { spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { compile } from './compile.mjs'

/** `find` gives the path of the program under build/, without `.js`, from the first argument; undefined when there is none. */
export async function runProgram({ usage, names, find }) {
  const [wanted, ...args] = process.argv.slice(2)
  const program = wanted === undefined ? undefined : find(wanted)
  if (program === undefined) {
    console.error(`${usage}\nthere are: ${names.join(', ') || 'none'}`)
    process.exitCode = 2
    return
  }
  try {
    compile()
  } catch (error) {
    console.error(error.message)
    process.exitCode = 1
    return
  }
  const child = spawn(process.execPath, ['--enable-source-maps', join('build', `${program}.js`), ...args], {
    stdio: 'inherit',
  })
  // A terminal sends Ctrl-C to both; the program decides how it ends.
  process.on('SIGINT', () => undefined)
  process.on('SIGTERM', () => child.kill('SIGTERM'))
  const [code, signal] = await new Promise((resolve) => child.on('exit', (...ended) => resolve(ended)))
  if (signal !== null) console.error(`${program} was ended by ${signal}`)
  process.exitCode = code ?? 1
}

/** Names in a folder of the package that match, in order. */
export function namesIn(folder, pattern) {
  return readdirSync(folder)
    .filter((name) => pattern.test(name))
    .sort()
}
