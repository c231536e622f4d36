import { mkdtemp, readdir, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { levelFolder } from './level-folder.js'
import { LevelStore } from './level-store.js'
import { storeContract } from '../store-contract.js'
import type { Store, StoreFolder } from '../store.js'

const live = { purpose: 'live' } as const

storeContract('levelFolder', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'millrace-store-'))
  return {
    folder: await levelFolder({ dataDir, app: 'shop' }),
    remove: () => rm(dataDir, { recursive: true, force: true }),
  }
})

describe('a folder on disk', () => {
  let dataDir: string
  const opened: StoreFolder[] = []

  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'millrace-store-'))
  })
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((folder) => folder.close()))
    await rm(dataDir, { recursive: true, force: true })
  })

  async function take(app = 'shop'): Promise<StoreFolder> {
    const folder = await levelFolder({ dataDir, app })
    opened.push(folder)
    return folder
  }

  describe('slots', () => {
    it('gives two folders at once different slots', async () => {
      const [first, second] = [await take(), await take()]
      expect(first.location).toBe(join(dataDir, 'shop', 'slot-0'))
      expect(second.location).toBe(join(dataDir, 'shop', 'slot-1'))
    })

    it('gives folders that are opened at the same moment different slots', async () => {
      const folders = await Promise.all([take(), take(), take()])
      expect(new Set(folders.map((folder) => folder.location)).size).toBe(3)
    })

    it('gives a slot that was closed to the next, with the stores in it', async () => {
      const first = await take()
      await fill(await first.open(4, live))
      await first.close()
      const next = await take()
      expect(next.location).toBe(first.location)
      expect(await next.tasks()).toEqual([4])
      expect((await next.open(4, live)).get('k0')).toBe('v')
    })

    it('keeps apps apart', async () => {
      const [shop, bank] = [await take('shop'), await take('bank')]
      expect(bank.location).toBe(join(dataDir, 'bank', 'slot-0'))
      await fill(await shop.open(0, live))
      expect((await bank.open(0, live)).get('k0')).toBeUndefined()
    })

    it('keeps the state of a slot whose lock was damaged', async () => {
      const first = await take()
      await fill(await first.open(0, live))
      await first.close()
      await damage(join(first.location, 'lock'))
      const next = await take()
      expect(next.location).toBe(first.location)
      expect((await next.open(0, live)).get('k0')).toBe('v')
    })

    it.each(['..', '.', '', 'a/b', '.hidden'])('refuses %j as the name of an app', async (app) => {
      await expect(take(app)).rejects.toMatchObject({ code: 'OPTIONS_INVALID' })
    })

    it('says where and what to do when the directory cannot be used', async () => {
      const file = join(dataDir, 'file')
      await writeFile(file, '')
      await expect(levelFolder({ dataDir: file, app: 'shop' })).rejects.toMatchObject({
        code: 'STORE_FAILED',
        message: expect.stringContaining(join(file, 'shop')),
      })
    })

    it('neither opens nor removes a store that somebody else has open', async () => {
      const folder = await take()
      await fill(await folder.open(0, live))
      const path = join(folder.location, 'task-0')
      const options = { path, where: 'the same store', purpose: 'live', create: false } as const
      const other = await LevelStore.open(options, () => undefined)
      const refusal = { code: 'STORE_FAILED', message: expect.stringContaining('open elsewhere') }
      await expect(folder.open(0, live)).rejects.toMatchObject(refusal)
      await expect(folder.destroy(0)).rejects.toMatchObject(refusal)
      expect(other.get('k0')).toBe('v')
      await other.close()
    })

    it('refuses to open a store once it is closed', async () => {
      const folder = await take()
      await folder.close()
      await expect(folder.open(0, live)).rejects.toMatchObject({ code: 'STORE_FAILED' })
    })
  })

  describe('a store with damaged files', () => {
    let folder: StoreFolder
    let path: string

    beforeEach(async () => {
      folder = await take()
      path = join(folder.location, 'task-0')
      await fill(await folder.open(0, live))
      // Opening moves what is in the write-ahead log into a table.
      await (await folder.open(0, live)).close()
    })

    it.each([
      ['CURRENT is gone', () => rm(join(path, 'CURRENT'))],
      ['the manifest is cut short', () => damage(path)],
      ['a table is gone', async () => rm(join(path, await firstTable(path)))],
    ])('is refused when %s, and starts anew once it is removed', async (_what, harm) => {
      await harm()
      await expect(folder.open(0, live)).rejects.toMatchObject({
        code: 'STORE_DAMAGED',
        message: expect.stringContaining(path),
      })
      await folder.destroy(0)
      const store = await folder.open(0, live)
      expect(store.get('k0')).toBeUndefined()
    })
  })
})

/** Writes 100 values and closes the store. */
async function fill(store: Store): Promise<void> {
  const batch = store.batch()
  for (let i = 0; i < 100; i++) batch.put(`k${i}`, 'v')
  await batch.write({ sync: false })
  await store.close()
}

async function damage(path: string): Promise<void> {
  const manifest = (await readdir(path)).find((name) => name.startsWith('MANIFEST'))
  await truncate(join(path, manifest!), 10)
}

async function firstTable(path: string): Promise<string> {
  const table = (await readdir(path)).find((name) => /\.(ldb|sst)$/.test(name))
  if (table === undefined) throw new Error(`no table in ${path}`)
  return table
}
