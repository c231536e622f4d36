import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Programs of a test, and what they leave. */
export class Programs {
  readonly folder = mkdtempSync(join(tmpdir(), 'millrace-programs-'))

  /** A program of Node's; `out(message)` writes a message, `args` are its arguments by name. */
  write(name: string, source: string): { readonly command: string; readonly args: readonly string[] } {
    const path = join(this.folder, `${name}.cjs`)
    writeFileSync(path, `${prelude}\n${source}\n`)
    return { command: process.execPath, args: [path] }
  }

  path(name: string): string {
    return join(this.folder, name)
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true })
  }
}

const prelude = `
const fs = require('node:fs')
const raw = (text) => fs.writeSync(1, text)
const out = (message) => raw(JSON.stringify(message) + '\\n')
const record = (record, stream = 's') => out({ type: 'RECORD', stream, record })
const state = (value) => out({ type: 'STATE', value })
const given = (flag) => {
  const at = process.argv.indexOf(flag)
  return at === -1 ? undefined : JSON.parse(fs.readFileSync(process.argv[at + 1], 'utf8'))
}
const forever = () => setInterval(() => undefined, 1_000)
`

/** Waits for what comes soon, and fails when it does not. */
export async function until<T>(what: string, look: () => T | undefined | false): Promise<T> {
  const end = performance.now() + 20_000
  for (;;) {
    const seen = look()
    if (seen !== undefined && seen !== false) return seen
    if (performance.now() > end) throw new Error(`waited in vain: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** A process that has ended and whose parent does not ask for it is not alive. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch {
    return false
  }
  return !/^[^ ]* \(.*\) Z/s.test(textOf(`/proc/${pid}/stat`) ?? '')
}

/** Undefined when there is none. */
export function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
