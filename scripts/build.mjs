// Builds what is published: lib/ for import and for require, with the monitor page put together in both.
import { spawnSync } from 'node:child_process'
import { chmodSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { writeBundle } from './page.mjs'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')

/** Throws when the compiler reports errors. */
export function buildPackage() {
  runCompiler('tsconfig.build.json')
  runCompiler('tsconfig.cjs.json')
  writeFileSync(join(root, 'dist', 'cjs', 'package.json'), '{"type":"commonjs"}\n')
  writeBundle()
  chmodSync(join(root, 'dist', 'esm', 'cli', 'main.js'), 0o755)
}

/** What the compiler says goes to stderr: stdout belongs to the program that is run afterwards. */
export function runCompiler(config) {
  const { status } = spawnSync(process.execPath, [tsc, '-p', join(root, config)], { stdio: ['ignore', 2, 2] })
  if (status !== 0) throw new Error(`${config} does not compile; what the compiler said is above.`)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  rmSync(join(root, 'dist'), { recursive: true, force: true })
  try {
    buildPackage()
  } catch (error) {
    console.error(error.message)
    process.exitCode = 1
  }
}
