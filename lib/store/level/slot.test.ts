import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
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
