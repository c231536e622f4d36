import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

/** The least version of TypeScript that the declarations are for, and the newest. */
export const compilers = { least: 'typescript-5.4', newest: 'typescript' } as const
export type Compiler = keyof typeof compilers

/** A folder with this package installed in it, as its users have it: its declarations, and nothing of its sources. */
export function consumer(name: string): string {
  const folder = join(process.cwd(), 'temp', name)
  const installed = join(folder, 'node_modules', 'millrace')
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(join(installed, 'dist', 'cjs'), { recursive: true })
  copyFileSync('package.json', join(installed, 'package.json'))
  writeFileSync(join(installed, 'dist', 'cjs', 'package.json'), '{"type":"commonjs"}')
  for (const [config, to] of [
    ['tsconfig.build.json', 'esm'],
    ['tsconfig.cjs.json', 'cjs'],
  ] as const) {
    const said = tsc('newest', ['-p', config, '--emitDeclarationOnly', '--outDir', join(installed, 'dist', to)])
    if (said !== '') throw new Error(said)
  }
  return folder
}

/** What the compiler says of these files of a folder; nothing when all is well. */
export function diagnose(
  compiler: Compiler,
  folder: string,
  files: readonly string[],
  options: Readonly<Record<string, unknown>>,
): string {
  // Declarations of packages are checked too, those of the compiler itself are not.
  const checks = { skipLibCheck: false, skipDefaultLibCheck: true }
  const base = { noEmit: true, strict: true, target: 'ES2022', types: ['node'], ...checks }
  const config = join(folder, `tsconfig.${compiler}.json`)
  writeFileSync(config, JSON.stringify({ compilerOptions: { ...base, ...options }, files }))
  return tsc(compiler, ['-p', config, '--pretty', 'false'])
}

function tsc(compiler: Compiler, args: readonly string[]): string {
  const { stdout, stderr } = spawnSync(process.execPath, [binOf(compilers[compiler]), ...args], { encoding: 'utf8' })
  return stdout + stderr
}

/** By its path, since both versions bring a command of the name `tsc`. */
function binOf(name: string): string {
  const paths = createRequire(join(process.cwd(), 'package.json')).resolve.paths(name) ?? []
  const bin = paths.map((path) => join(path, name, 'bin', 'tsc')).find((path) => existsSync(path))
  if (bin === undefined) throw new Error(`${name} is not installed: run npm ci`)
  return bin
}

export function versionOf(compiler: Compiler): string {
  const manifest = join(dirname(binOf(compilers[compiler])), '..', 'package.json')
  return (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version
}
