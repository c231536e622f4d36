import { randomInt } from 'node:crypto'
import { mkdtemp, open, readdir, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { MillraceError } from '../lib/core/errors.js'
import { metaKey } from '../lib/state/meta.js'
import { levelFolder } from '../lib/store/level/level-folder.js'
import { Case, counter, objects } from './setup/counting-app.js'
import { describeWithSmallDisk, SmallDisk } from './setup/small-disk.js'

describe('an app whose local store is harmed', () => {
  let dataDir: string
  let path: string
  let one: Case

  /** After two rounds, each in a life of its own, a store has tables and a write-ahead log. */
  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'millrace-faults-'))
    path = join(dataDir, 'faults', 'slot-0', 'task-0')
    one = new Case()
    for (let round = 0; round < 3; round++) {
      await one.feed()
      await one.runTo(dataDir)
    }
  })
  afterEach(async () => {
    await one.log[Symbol.asyncDispose]()
    await rm(dataDir, { recursive: true, force: true })
  })

  const find = async (kind: RegExp): Promise<string> => {
    const name = (await readdir(path)).find((file) => kind.test(file))
    if (name === undefined) throw new Error(`no ${kind} in ${path}`)
    return join(path, name)
  }
  const cutInHalf = async (file: string): Promise<void> => truncate(file, Math.floor((await stat(file)).size / 2))
  /** Changes every one of so many bytes in the first third of a file. */
  async function overwrite(file: string, bytes: number): Promise<void> {
    await using handle = await open(file, 'r+')
    const at = Math.floor((await handle.stat()).size / 3)
    const there = Buffer.alloc(bytes)
    await handle.read(there, 0, bytes, at)
    await handle.write(
      there.map((byte) => byte ^ randomInt(1, 256)),
      0,
      bytes,
      at,
    )
  }
  /** Changes what the store says of itself. */
  async function rewriteMeta(change: object): Promise<void> {
    await using folder = await levelFolder({ dataDir, app: 'faults' })
    await using store = await folder.open(0, { purpose: 'live' })
    const batch = store.batch()
    batch.put(metaKey, JSON.stringify({ ...JSON.parse(store.get(metaKey) as string), ...change }))
    await batch.write({ sync: false })
  }

  /** Another process, on another machine, has the task for a while. */
  async function goOnElsewhere(): Promise<void> {
    const elsewhere = await mkdtemp(join(tmpdir(), 'millrace-faults-'))
    await one.feed()
    await one.runTo(elsewhere)
    await rm(elsewhere, { recursive: true })
  }

  const changelog = 3 * objects

  it.each<[what: string, harm: () => Promise<unknown>, restored: number | [number, number], why: RegExp | undefined]>([
    ['is left as it was', async () => undefined, 0, undefined],
    ['is deleted', () => rm(path, { recursive: true }), changelog, undefined],
    ['lost the directory of its slot', () => rm(join(path, '..'), { recursive: true }), changelog, undefined],
    ['lost a table', async () => rm(await find(/ldb$/)), changelog, /table \d+ is missing/],
    ['lost CURRENT', () => rm(join(path, 'CURRENT')), changelog, /CURRENT|create_if_missing/],
    ['has half a manifest', async () => cutInHalf(await find(/^MANIFEST/)), changelog, /missing/],
    ['has half a table', async () => cutInHalf(await find(/ldb$/)), changelog, /bytes instead of/],
    ['has half a write-ahead log', async () => cutInHalf(await find(/log$/)), [1, objects], undefined],
    ['lost its write-ahead log', async () => rm(await find(/log$/)), changelog, /write-ahead log \d+ is missing/],
    ['has noise in a table', async () => overwrite(await find(/ldb$/), 4096), changelog, /wrong checksum/],
    ['has a wrong byte in a table', async () => overwrite(await find(/ldb$/), 1), changelog, /wrong checksum/],
    [
      'has noise in its write-ahead log',
      async () => overwrite(await find(/log$/), 100),
      changelog,
      /checksum|too long/,
    ],
    [
      'is a file',
      () => rm(path, { recursive: true }).then(() => writeFile(path, 'no store')),
      changelog,
      /not a directory/,
    ],
    [
      'survived a system that stopped without closing it',
      () => rewriteMeta({ bootId: 'another', clean: false }),
      changelog,
      /system was restarted/,
    ],
    ['was closed before the system stopped', () => rewriteMeta({ bootId: 'another', clean: true }), 0, undefined],
    ['stood still for long, as its changelog did', () => rewriteMeta({ appliedAt: 1 }), 0, undefined],
    [
      'stood still for long while its changelog went on',
      () => rewriteMeta({ appliedAt: 1 }).then(goOnElsewhere),
      changelog + objects,
      /older than delete.retention.ms/,
    ],
  ])('has the right state when the store %s', async (_what, harm, restored, why) => {
    await harm()
    one.warnings.length = 0
    await one.feed()
    const found = await one.runTo(dataDir)
    const [least, most] = typeof restored === 'number' ? [restored, restored] : restored
    expect(found).toBeGreaterThanOrEqual(least)
    expect(found).toBeLessThanOrEqual(most)
    const discarded = one.warnings.filter((warning) => /discarded/.test(warning))
    expect(discarded.map((warning) => why?.test(warning))).toEqual(why === undefined ? [] : [true])
  })

  it('has the right state after a restart when its directory was deleted while it ran', async () => {
    const app = one.app(dataDir)
    await app.start()
    await rm(join(dataDir, 'faults'), { recursive: true })
    await one.feed()
    await app.drained().catch(() => undefined)
    await app.close()
    const code = await app.closed().catch((error: unknown) => (error as MillraceError).code)
    expect([undefined, 'STORE_FAILED']).toContain(code)
    expect(await one.runTo(dataDir)).toBeGreaterThanOrEqual(changelog)
  })
})

describeWithSmallDisk('an app whose disk is full', () => {
  let disk: SmallDisk
  /** A round of so many objects of 2 kB takes half of the disk. */
  const many = 2_000
  let one: Case
  let path: string
  const diskFull = { code: 'STORE_FAILED', message: expect.stringMatching(/disk is full: free space/) }
  const feed = (count = many): Promise<void> => one.feed(count, 2_000)

  beforeAll(() => {
    disk = new SmallDisk(8)
  })
  beforeEach(async () => {
    one = new Case()
    disk.resize(8)
    path = await mkdtemp(join(disk.path, 'data-'))
  })
  afterEach(async () => {
    await one.log[Symbol.asyncDispose]()
    await rm(path, { recursive: true })
  })
  afterAll(() => disk[Symbol.dispose]())

  /** Takes all space that is left. */
  async function fill(): Promise<string> {
    const name = join(path, 'filler')
    await using file = await open(name, 'w')
    for (let bytes = 1 << 20; bytes > 0;) {
      await file.write(Buffer.alloc(bytes)).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOSPC') throw error
        bytes >>= 1
      })
    }
    return name
  }

  it('stops with an error that says so, and rolls forward once there is space again', async () => {
    await feed()
    await one.runTo(path, many)
    const app = one.app(path)
    await app.start()
    const reader = app.state(counter)
    const told: unknown[] = []
    let rounds = 1
    for (; app.health().live && rounds < 200; rounds++) {
      await feed()
      await app.drained().catch(() => undefined)
      // To read committed state is to write it to the store first.
      if (told.length === 0) await reader.get('object-0').catch((error: unknown) => told.push(error))
    }
    await expect(app.closed()).rejects.toMatchObject(diskFull)
    expect(told[0]).toMatchObject(diskFull)

    disk.resize(64)
    // At least the first round was in the store.
    expect(await one.runTo(path, many)).toBeLessThanOrEqual((rounds - 1) * many)
    expect(one.warnings.filter((warning) => /discarded/.test(warning))).toEqual([])
  }, 30_000)

  it('does not start, says why, and starts with its state once there is space again', async () => {
    await feed(10)
    await one.runTo(path, 10)
    const filler = await fill()
    await expect(one.app(path).start()).rejects.toMatchObject(diskFull)
    await rm(filler)
    await feed(10)
    expect(await one.runTo(path, 10)).toBe(0)
  }, 30_000)

  it('stops a restore, and goes on with it once there is space again', async () => {
    const elsewhere = await mkdtemp(join(tmpdir(), 'millrace-faults-'))
    await feed(3 * many)
    await one.runTo(elsewhere, 3 * many)
    await rm(elsewhere, { recursive: true })
    await expect(one.app(path).start()).rejects.toMatchObject(diskFull)
    disk.resize(64)
    const restored = await one.runTo(path, 3 * many)
    expect(restored).toBeGreaterThan(0)
    expect(restored).toBeLessThan(3 * many)
  }, 30_000)
})
