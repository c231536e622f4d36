import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { takeLock } from './slot.js'

describe('a lock that its dead holder has left damaged', () => {
  let folder: string
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'millrace-slot-'))))
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  it('is taken by one of many who want it at once, and nobody fails', async () => {
    for (let round = 0; round < 20; round++) {
      const path = join(folder, String(round))
      mkdirSync(path)
      writeFileSync(join(path, 'CURRENT'), 'MANIFEST-000007')
      const found = await Promise.all(Array.from({ length: 8 }, () => takeLock(path)))
      const taken = found.filter((lock) => lock !== undefined)
      expect(taken).toHaveLength(1)
      expect(await takeLock(path)).toBeUndefined()
      await taken[0]?.close()
      const again = await takeLock(path)
      expect(again).toBeDefined()
      await again?.close()
    }
  })
})

it('a lock of which a file is missing is made anew', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-slot-'))
  const path = join(folder, 'lock')
  const first = await takeLock(path)
  await first?.close()
  for (const name of readdirSync(path)) if (name.startsWith('MANIFEST')) rmSync(join(path, name))
  const again = await takeLock(path)
  expect(again).toBeDefined()
  expect(await takeLock(path)).toBeUndefined()
  await again?.close()
  rmSync(folder, { recursive: true })
})

/** Another process that clears a lock away, so many times for each line that it reads. */
const clearer = `
  const { Level } = require('level')
  const [, path] = process.argv
  process.stdin.on('data', async () => {
    for (let times = 0; times < 100; times++) await Level.destroy(path).catch(() => undefined)
    process.stdout.write('cleared')
  })
  process.stdout.write('ready')
`

describe('a lock that another process clears away', () => {
  let folder: string
  let other: ChildProcessWithoutNullStreams
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'millrace-slot-'))
    other = spawn(process.execPath, ['-e', clearer, join(folder, 'lock')], { cwd: process.cwd() })
    await once(other.stdout, 'data')
  })
  afterEach(async () => {
    other.kill()
    await once(other, 'close')
    rmSync(folder, { recursive: true, force: true })
  })

  it('is taken, or held by the other, whatever step that one is at', async () => {
    let taken = 0
    for (let round = 0; round < 100; round++) {
      const cleared = once(other.stdout, 'data')
      other.stdin.write('\n')
      const lock = await takeLock(join(folder, 'lock'))
      if (lock !== undefined) taken++
      await cleared
      await lock?.close()
      const again = await takeLock(join(folder, 'lock'))
      expect(again).toBeDefined()
      await again?.close()
    }
    expect(taken).toBeGreaterThan(0)
  })
})
