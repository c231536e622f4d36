import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { join } from 'node:path'

export const main = join('dist', 'esm', 'cli', 'main.js')
export const programs = join('integration', 'cli', 'programs')

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** What the tests run in must not choose a cluster for the command. */
const bare = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('MILLRACE_')))

export function startCommand(args: readonly string[], env: NodeJS.ProcessEnv = {}): ChildProcessWithoutNullStreams {
  return spawn(process.execPath, [main, ...args], { env: { ...bare(process.env), ...env } })
}

/** The built command, as a process of its own. */
export async function millrace(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ended> {
  const child = startCommand(args, env)
  child.stdin.end()
  return await ended(child)
}

export async function ended(child: ChildProcessWithoutNullStreams): Promise<Ended> {
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk) => (stdout += String(chunk)))
  child.stderr.on('data', (chunk) => (stderr += String(chunk)))
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve))
  return { code, stdout, stderr }
}
