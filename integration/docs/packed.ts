import { execFileSync } from 'node:child_process'
import { join } from 'node:path'

const root = join(__dirname, '..', '..')

/** The package as npm would publish it, made in a folder of what the set-up of these tests has compiled; gives the path of the file. */
export function packed(folder: string): string {
  const args = ['pack', '--silent', '--pack-destination', folder]
  return join(folder, execFileSync('npm', args, { cwd: root, encoding: 'utf8' }).trim())
}
