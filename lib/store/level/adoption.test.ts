import { mkdtemp, readdir, rm, truncate } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { levelFolder } from './level-folder.js'
import type { Store, StoreFolder } from '../store.js'

const live = { purpose: 'live' } as const

/** What the tests write is a number, and the higher one is ahead. */
const rank = (store: Store): number | undefined => {
  const value = store.get('n')
  return value === undefined ? undefined : Number(value)
}

describe('stores that a process left behind', () => {
  let dataDir: string
  const opened: StoreFolder[] = []

  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'millrace-adoption-'))
  })
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((folder) => folder.close()))
    await rm(dataDir, { recursive: true, force: true })
  })

  /** Folders of so many processes, in slot 0, 1, … */
  async function processes(count: number): Promise<StoreFolder[]> {
    const folders: StoreFolder[] = []
    for (let slot = 0; slot < count; slot++) folders.push(await levelFolder({ dataDir, app: 'shop' }))
    opened.push(...folders)
    return folders
  }

  async function write(folder: StoreFolder, task: number, n: number): Promise<void> {
    await using store = await folder.open(task, live)
    const batch = store.batch()
    batch.put('n', String(n))
    await batch.write({ sync: false })
  }

  async function read(folder: StoreFolder, task: number): Promise<number | undefined> {
    await using store = await folder.open(task, live)
    return rank(store)
  }

  const storesIn = async (slot: number): Promise<string[]> =>
    (await readdir(join(dataDir, 'shop', `slot-${slot}`))).filter((name) => name.startsWith('task-')).sort()

  it('are taken over from a slot that nobody holds, and are nowhere else then', async () => {
    const [mine, other] = (await processes(2)) as [StoreFolder, StoreFolder]
    await write(other, 3, 7)
    await write(other, 4, 8)
    await other.close()
    expect(await mine.tasks()).toEqual([3, 4])
    expect(await mine.claim(3, rank)).toBe(true)
    expect(await read(mine, 3)).toBe(7)
    expect([await storesIn(0), await storesIn(1)]).toEqual([['task-3'], ['task-4']])
  })

  it('are not taken from a process that lives', async () => {
    const [mine, other] = (await processes(2)) as [StoreFolder, StoreFolder]
    await write(other, 3, 7)
    expect(await mine.tasks()).toEqual([])
    expect(await mine.claim(3, rank)).toBe(false)
    expect(await read(other, 3)).toBe(7)
  })

  it('are chosen by how far they are when there are several', async () => {
    const [mine, ...others] = (await processes(4)) as [StoreFolder, ...StoreFolder[]]
    for (const [i, n] of [5, 9, 2].entries()) await write(others[i]!, 3, n)
    for (const other of others) await other.close()
    expect(await mine.claim(3, rank)).toBe(true)
    expect(await read(mine, 3)).toBe(9)
  })

  it.each([
    ['replace an own store that is behind', 5, 9, 9],
    ['leave an own store that is ahead where it is', 9, 5, 9],
    ['leave an own store that is as far where it is', 5, 5, 5],
  ])('%s', async (_what, own, left, expected) => {
    const [mine, other] = (await processes(2)) as [StoreFolder, StoreFolder]
    await write(mine, 3, own)
    await write(other, 3, left)
    await other.close()
    expect(await mine.claim(3, rank)).toBe(true)
    expect(await read(mine, 3)).toBe(expected)
    expect(await storesIn(1)).toEqual(left > own ? [] : ['task-3'])
  })

  it.each([
    ['own', 0, 4],
    ['other', 1, 6],
  ])('are not preferred when damaged: the %s one is', async (_whose, damaged, expected) => {
    const [mine, other] = (await processes(2)) as [StoreFolder, StoreFolder]
    await write(mine, 3, 6)
    await write(other, 3, 4)
    await other.close()
    const path = join(dataDir, 'shop', `slot-${damaged}`, 'task-3')
    const manifest = (await readdir(path)).find((name) => name.startsWith('MANIFEST'))
    await truncate(join(path, manifest!), 10)
    expect(await mine.claim(3, rank)).toBe(true)
    expect(await read(mine, 3)).toBe(expected)
  })

  it('are shared out between processes that claim at the same moment', async () => {
    const [first, second, third] = (await processes(3)) as [StoreFolder, StoreFolder, StoreFolder]
    for (let task = 0; task < 6; task++) await write(third, task, task)
    await third.close()
    const claims = [0, 1, 2, 3, 4, 5].map((task) => (task < 3 ? first : second).claim(task, rank))
    expect(await Promise.all(claims)).toEqual([true, true, true, true, true, true])
    expect([await first.tasks(), await second.tasks()]).toEqual([
      [0, 1, 2],
      [3, 4, 5],
    ])
    for (let task = 0; task < 6; task++) expect(await read(task < 3 ? first : second, task)).toBe(task)
  })

  it('are found by a process that starts while they are looked for', async () => {
    const [mine, other] = (await processes(2)) as [StoreFolder, StoreFolder]
    for (let task = 0; task < 4; task++) await write(other, task, task)
    await other.close()
    const [claimed, [started]] = await Promise.all([mine.claim(0, rank), processes(1) as Promise<[StoreFolder]>])
    // Whoever looks first: nothing passes for lost, and the one that starts need not make a slot of its own.
    expect(started.location).toBe(other.location)
    expect(await started.tasks()).toEqual(claimed ? [1, 2, 3] : [0, 1, 2, 3])
  })
})
