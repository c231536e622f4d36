import { execFileSync } from 'node:child_process'
import { join } from 'node:path'

it('a program that cannot be started for want of descriptors is an error, and not the end of the process', () => {
  const root = join(__dirname, '..', 'processes')
  const command = [process.execPath, join(root, 'run-ts.cjs'), join(root, 'no-descriptors.ts')]
  const said = execFileSync('/bin/sh', ['-c', 'ulimit -n 256; exec "$@"', 'sh', ...command], { encoding: 'utf8' })
  expect(said).toMatch(/^CHILD_FAILED true could not be started: .*EMFILE/)
})
