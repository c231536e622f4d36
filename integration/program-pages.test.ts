import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { packed } from './docs/packed.js'
import { Reader } from './docs/reader.js'
import { stepsOf } from './docs/steps.js'

describe.each([
  ['README.md', 'beginning'],
  ['docs/bundling.md', 'all'],
] as const)('%s (%s)', (page, part) => {
  it('has programs that run as they stand, with the output that it shows', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-bundle-'))
    const tarball = packed(mkdtempSync(join(tmpdir(), 'millrace-packed-')))
    try {
      const reader = new Reader({ folder, tarball, env: process.env })
      for (const step of stepsOf(page, part)) await reader.do(step)
      expect(reader.skipped).toEqual([])
    } finally {
      for (const made of [folder, dirname(tarball)]) rmSync(made, { recursive: true, force: true })
    }
  }, 300_000)
})
