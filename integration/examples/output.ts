import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** What an example prints; rejects when it ends with anything but 0. */
export async function output(example: string, args: readonly string[] = []): Promise<string> {
  const { stdout } = await run(process.execPath, [join('build', 'examples', example, 'main.js'), ...args], {
    timeout: 60_000,
  })
  return stdout
}

/** The rows of the table that an example prints, and what follows it, with single spaces. */
export const rowsOf = (printed: string): string =>
  printed
    .trim()
    .split('\n')
    .slice(2)
    .map((line) => line.trim().replace(/ +/g, ' '))
    .join('\n')

/** Items by what they have in common, in order. */
export function grouped<T>(items: readonly T[], by: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const item of items) {
    const group = groups.get(by(item))
    if (group === undefined) groups.set(by(item), [item])
    else group.push(item)
  }
  return groups
}
