import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { reasonOf } from '../../lib/core/errors.js'

/** A real file system of a few MiB that can be full: a tmpfs. Mounting needs root, or sudo that asks for no password. */
export class SmallDisk implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), 'millrace-disk-'))

  constructor(mebibytes: number) {
    must(mount(['-t', 'tmpfs', '-o', `size=${mebibytes}m,mode=0777`, 'tmpfs', this.path]))
  }

  resize(mebibytes: number): void {
    must(mount(['-o', `remount,size=${mebibytes}m`, this.path]))
  }

  [Symbol.dispose](): void {
    // Also when a failed test left a store open in it.
    must(run('umount', ['--lazy', this.path]))
    rmSync(this.path, { recursive: true })
  }
}

/**
 * A `describe` for what needs a small disk. Where mounting is not allowed its tests are listed as skipped, and a loud line
 * says so; with CI=true that is an error.
 */
export function describeWithSmallDisk(name: string, suite: () => void): void {
  const refusal = probe()
  const describeIfAllowed = refusal === undefined ? describe : describe.skip
  describeIfAllowed(name, suite)
  if (refusal === undefined) return
  const notice = `NOT RUN: ${name}: a small disk cannot be mounted (${refusal}). Run as root, or allow sudo without a password.`
  if (process.env.CI === 'true') throw new Error(notice)
  process.stderr.write(`\n${'!'.repeat(100)}\n${notice}\n${'!'.repeat(100)}\n\n`)
}

function probe(): string | undefined {
  try {
    new SmallDisk(1)[Symbol.dispose]()
    return undefined
  } catch (error) {
    return reasonOf(error)
  }
}

function must(refusal: string | undefined): void {
  if (refusal !== undefined) throw new Error(refusal)
}

const mount = (args: readonly string[]): string | undefined => run('mount', args)

/** Why it failed, if it did. */
function run(command: string, args: readonly string[]): string | undefined {
  const isRoot = process.getuid?.() === 0
  const [name, ...rest] = isRoot ? [command, ...args] : ['sudo', '-n', command, ...args]
  const { status, error, stderr } = spawnSync(name as string, rest, { encoding: 'utf8' })
  return status === 0 ? undefined : (error?.message ?? stderr.trim())
}
