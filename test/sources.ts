import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'

const root = join(__dirname, '..')

/** Text by path from the root of the package, with forward slashes. */
export type Sources = ReadonlyMap<string, string>

/** The TypeScript files under these folders. */
export function sourcesIn(...folders: readonly string[]): Sources {
  const files = new Map<string, string>()
  for (const folder of folders) {
    for (const name of readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })) {
      if (name.endsWith('.ts')) files.set(posix.join(folder, name), readFileSync(join(root, folder, name), 'utf8'))
    }
  }
  return files
}

/** Tests, and suites that tests call: they are no part of the package. */
export function isTest(path: string): boolean {
  return /\.test\.ts$|-contract\.ts$|-contract\//.test(path)
}

/** What a file names in imports, exports from, dynamic imports and requires; type imports too. */
export function specifiersOf(source: string): readonly string[] {
  const patterns = [
    // At the start of a line, so that examples in comments do not count.
    /^(?:import|export)\b[^'"`;]*?\bfrom\s+['"]([^'"]+)['"]/gm,
    /^import\s+['"]([^'"]+)['"]/gm,
    /\b(?:import|require|resolve)\(\s*['"]([^'"]+)['"]\s*\)/g,
  ]
  return patterns.flatMap((pattern) => [...source.matchAll(pattern)].map((match) => match[1]!))
}

/** The path of the file a relative specifier means; undefined for a package. */
export function fileOf(path: string, specifier: string): string | undefined {
  if (!specifier.startsWith('.')) return undefined
  return posix.join(dirname(path), specifier.replace(/\.js$/, '.ts'))
}

/** Lines that are neither empty nor comment. */
export function codeLines(source: string): number {
  return source.split('\n').filter((line) => !/^\s*(\/\/|\/?\*|$)/.test(line)).length
}

/** The first cycle that is found, as paths; the first is named again at the end. */
export function cycleIn(files: Sources): readonly string[] | undefined {
  const done = new Set<string>()
  const visit = (path: string, trail: readonly string[]): readonly string[] | undefined => {
    if (trail.includes(path)) return [...trail.slice(trail.indexOf(path)), path]
    if (done.has(path)) return undefined
    for (const specifier of specifiersOf(files.get(path) ?? '')) {
      const target = fileOf(path, specifier)
      const cycle = target !== undefined && files.has(target) ? visit(target, [...trail, path]) : undefined
      if (cycle !== undefined) return cycle
    }
    done.add(path)
    return undefined
  }
  for (const path of files.keys()) {
    const cycle = visit(path, [])
    if (cycle !== undefined) return cycle
  }
  return undefined
}
