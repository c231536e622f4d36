// Compiles lib/ to dist/ and the programs of examples/, bench/ and integration/ to build/, when something has changed since
// the last time. Everything is printed to stderr: stdout belongs to the program that is run afterwards.
import { mkdirSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildPackage, runCompiler } from './build.mjs'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const programs = ['examples', 'bench', 'integration']
const stamp = join(root, 'build', 'compiled')

/** Throws when the compiler reports errors. */
export function compile() {
  const sources = ['lib', 'page', ...programs].flatMap(filesIn)
  const configs = readdirSync(root).filter((name) => /^(tsconfig.*|package)\.json$/.test(name))
  const newest = Math.max(...[...sources, ...configs].map((file) => changedAt(join(root, file))))
  // Times of files are finer than what they can be set to.
  if (newest <= changedAt(stamp) + 1 && changedAt(join(root, 'dist', 'esm', 'index.js')) > 0) return

  buildPackage()
  runCompiler('tsconfig.programs.json')
  mkdirSync(dirname(stamp), { recursive: true })
  writeFileSync(stamp, '')
  // As of what was compiled: a source that changed meanwhile is newer.
  utimesSync(stamp, newest / 1_000, newest / 1_000)
}

function filesIn(folder) {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(folder, join(entry.parentPath ?? entry.path, entry.name).slice(join(root, folder).length + 1)))
}

/** Milliseconds; 0 for what is not there. */
function changedAt(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    compile()
  } catch (error) {
    console.error(error.message)
    process.exitCode = 1
  }
}
