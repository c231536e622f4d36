import { cp, mkdtemp, open, readdir, rm, stat, truncate } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { MillraceError } from '../../core/errors.js'
import { levelFolder } from '../level/level-folder.js'
import type { StoreFolder } from '../store.js'

const live = { purpose: 'live' } as const
const keys = Array.from({ length: 20 }, (_, i) => `key-${i}`)
const padding = 'x'.repeat(300)
/** The number in a value; 0 when there is none, NaN when it is not as it was written. */
const numberIn = (value = `0 ${padding}`): number =>
  value.endsWith(` ${padding}`) ? Number(value.slice(0, -301)) : NaN

describe('a store whose files were harmed', () => {
  let dataDir: string
  let folder: StoreFolder
  /** The path of a task's store. */
  const pathOf = (task: number): string => join(folder.location, `task-${task}`)
  let written = 0

  /** A store with tables, a manifest of several edits and a write-ahead log. Each batch sets every key to its number. */
  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'millrace-check-'))
    folder = await levelFolder({ dataDir, app: 'shop' })
    for (let session = 0; session < 4; session++) {
      await using store = await folder.open(0, live)
      for (let i = 0; i < 10; i++) {
        const batch = store.batch()
        written++
        for (const key of keys) batch.put(key, `${written} ${padding}`)
        await batch.write({ sync: false })
      }
    }
  }, 20_000)
  afterAll(async () => {
    await folder.close()
    await rm(dataDir, { recursive: true, force: true })
  })

  /** Opens a copy after harm was done to it: the number all keys have, 0 for an empty store, or how it was refused. */
  async function after(harm: (path: string) => Promise<unknown>): Promise<number | string> {
    const task = 1
    await cp(pathOf(0), pathOf(task), { recursive: true })
    await harm(pathOf(task))
    try {
      await using store = await folder.open(task, live)
      const found = new Set(keys.map((key) => numberIn(store.get(key))))
      for await (const [key, value] of store.entries({ from: '', to: '\u{10ffff}' })) {
        if (keys.includes(key)) found.add(numberIn(value))
      }
      return found.size === 1 ? ([...found][0] as number) : `a mixture of ${[...found].join(', ')}`
    } catch (error) {
      return MillraceError.is(error) ? error.code : String(error)
    } finally {
      await folder.destroy(task)
    }
  }

  const filesOf = async (path: string, kind: RegExp): Promise<string[]> =>
    (await readdir(path)).filter((name) => kind.test(name)).map((name) => join(path, name))

  /** Overwrites bytes at a part of the way through one of the files. */
  async function overwrite(path: string, kind: RegExp, which: number, part: number, bytes: Uint8Array): Promise<void> {
    const files = await filesOf(path, kind)
    const file = files[which % files.length] as string
    const { size } = await stat(file)
    const handle = await open(file, 'r+')
    const at = Math.floor(part * size)
    await handle.write(bytes.subarray(0, size - at), 0, undefined, at)
    await handle.close()
  }

  it('is opened when nothing was harmed', async () => {
    expect(await after(async () => undefined)).toBe(written)
  })

  const allowed = (): unknown[] => ['STORE_DAMAGED', ...Array.from({ length: written + 1 }, (_, n) => n)]
  const share = fc.double({ min: 0, max: 0.999, noNaN: true })
  const bytes = fc.uint8Array({ minLength: 1, maxLength: 400 })

  it('is refused, or is as it was after an earlier batch, whatever was overwritten', async () => {
    const refused = { ldb: 0, log: 0, MANIFEST: 0 }
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('ldb' as const, 'log' as const, 'MANIFEST' as const),
        fc.nat({ max: 9 }),
        share,
        bytes,
        async (kind, which, part, noise) => {
          const found = await after((path) => overwrite(path, new RegExp(`${kind}(-|$)`), which, part, noise))
          expect(allowed()).toContain(found)
          if (found === 'STORE_DAMAGED') refused[kind]++
        },
      ),
      { numRuns: 150 },
    )
    expect(Math.min(...Object.values(refused))).toBeGreaterThan(10)
  }, 30_000)

  it('is refused, or is as it was after an earlier batch, wherever a file was cut', async () => {
    expect.hasAssertions()
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('ldb', 'log', 'MANIFEST'),
        fc.nat({ max: 9 }),
        share,
        async (kind, which, part) => {
          const found = await after(async (path) => {
            const files = await filesOf(path, new RegExp(`${kind}(-|$)`))
            const file = files[which % files.length] as string
            await truncate(file, Math.floor((await stat(file)).size * part))
          })
          expect(allowed()).toContain(found)
        },
      ),
      { numRuns: 80 },
    )
  }, 30_000)

  it.each(['ldb', 'log', 'MANIFEST', 'CURRENT'])('is refused when a file is gone: %s', async (kind) => {
    const found = await after(async (path) => rm((await filesOf(path, new RegExp(`${kind}(-|$)`)))[0] as string))
    expect(found).toBe('STORE_DAMAGED')
  })
})
