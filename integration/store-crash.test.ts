import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chown, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'
import { levelFolder } from '../lib/store/level/level-folder.js'
import type { Rank, StoreFolder } from '../lib/store/store.js'

const keys = 200
const compiled = pathToFileURL(join(__dirname, '..', 'dist', 'esm', 'store', 'level', 'level-folder.js')).href

/** Writes batch after batch, each setting every key to the batch's number, and says which number was acknowledged. */
const writer = `
  import { levelFolder } from '${compiled}'
  const [dataDir, first] = process.argv.slice(-2)
  const folder = await levelFolder({ dataDir, app: 'shop' })
  console.log('slot ' + folder.location)
  const store = await folder.open(0, { purpose: 'live' })
  for (let n = Number(first); ; n++) {
    const batch = store.batch()
    for (let i = 0; i < ${keys}; i++) batch.put('k' + i, n + ' ' + 'x'.repeat(200))
    await batch.write({ sync: false })
    console.log('batch ' + n)
  }`

const tasks = 40

/** Adopts every store there is, of each task the better one. */
const adopter = `
  import { levelFolder } from '${compiled}'
  const folder = await levelFolder({ dataDir: process.argv.at(-1), app: 'shop' })
  const tasks = Array.from({ length: ${tasks} }, (_, task) => task)
  await Promise.all(tasks.map((task) => folder.claim(task, (store) => Number(store.get('n')))))
  console.log('claimed')`

/** Takes away its own right to read what it wrote, and says what it is told when it opens that again; as an ordinary user. */
const locksItselfOut = `
  import { chmod } from 'node:fs/promises'
  import { levelFolder } from '${compiled}'
  if (process.getuid() === 0) process.seteuid(65534)
  const [dataDir, which] = process.argv.slice(-2)
  const open = async (folder) => (await folder.open(0, { purpose: 'live' })).close()
  const first = await levelFolder({ dataDir, app: 'shop' })
  await open(first)
  await first.close()
  await chmod(first.location + which, 0)
  const openAgain = async () => {
    const folder = await levelFolder({ dataDir, app: 'shop' })
    await open(folder).finally(() => folder.close())
  }
  await openAgain().then(() => console.log('opened'), (error) => console.log(error.code + ' ' + error.message))
  await chmod(first.location + which, 0o700)
  await openAgain().then(() => console.log('opened'), (error) => console.log(error.message))`

const rank: Rank = (store) => Number(store.get('n') ?? -1)

describe('stores of a process that is killed', () => {
  let dataDir: string
  const children: ChildProcess[] = []

  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'millrace-crash-'))
  })
  afterEach(async () => {
    for (const child of children.splice(0)) child.kill('SIGKILL')
    await rm(dataDir, { recursive: true, force: true })
  })

  /** A child, and what it says line by line. */
  function start(program: string, ...args: string[]): { child: ChildProcess; lines: AsyncIterator<string> } {
    const child = spawn(process.execPath, ['--input-type=module', '-e', program, ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    children.push(child)
    return { child, lines: createInterface(child.stdout)[Symbol.asyncIterator]() }
  }

  const startWriter = (first: number): ReturnType<typeof start> => start(writer, dataDir, String(first))

  it('have whole batches, none of the acknowledged ones missing, and are found by the next process', async () => {
    let acknowledged = 0
    for (let life = 1; life <= 3; life++) {
      const { child, lines } = startWriter(acknowledged + 1)
      expect((await lines.next()).value).toBe(`slot ${join(dataDir, 'shop', 'slot-0')}`)
      const enough = acknowledged + 100 * life
      while (acknowledged < enough) acknowledged = numberIn((await lines.next()).value)
      child.kill('SIGKILL')
      await once(child, 'exit')
      for (let line = await lines.next(); line.done !== true; line = await lines.next()) {
        // The last line may be cut off by the kill.
        if (/^batch \d+$/.test(line.value)) acknowledged = Math.max(acknowledged, numberIn(line.value))
      }

      const folder = await levelFolder({ dataDir, app: 'shop' })
      const store = await folder.open(0, { purpose: 'live' })
      const found = new Set(Array.from({ length: keys }, (_, i) => numberIn(`batch ${store.get(`k${i}`)}`)))
      await folder.close()
      expect(folder.location).toBe(join(dataDir, 'shop', 'slot-0'))
      expect(found.size).toBe(1)
      const [last] = found
      expect(last).toBeGreaterThanOrEqual(acknowledged)
      acknowledged = last!
    }
  }, 60_000)

  it('are left alone while it hangs, and adopted once it is dead', async () => {
    const { child, lines } = startWriter(1)
    expect((await lines.next()).value).toBe(`slot ${join(dataDir, 'shop', 'slot-0')}`)
    await lines.next()
    child.kill('SIGSTOP')
    const folder = await levelFolder({ dataDir, app: 'shop' })
    expect(folder.location).toBe(join(dataDir, 'shop', 'slot-1'))
    expect(await folder.tasks()).toEqual([])
    expect(await folder.claim(0, rank)).toBe(false)

    child.kill('SIGKILL')
    await once(child, 'exit')
    expect(await folder.tasks()).toEqual([0])
    expect(await folder.claim(0, rank)).toBe(true)
    expect(numberIn(`batch ${(await folder.open(0, { purpose: 'live' })).get('k0')}`)).toBeGreaterThanOrEqual(1)
    await folder.close()
  })

  it.each(['', '/task-0'])('are refused with what to do when they may not be read: slot%s', async (which) => {
    await chown(dataDir, 65534, 65534).catch(() => undefined)
    const { lines } = start(locksItselfOut, dataDir, which)
    expect((await lines.next()).value).toMatch(/^STORE_FAILED .*Let the user of this process read and write/)
    expect((await lines.next()).value).toBe('opened')
  })

  it('are whole, in one place or the other, when the process that adopts them is killed', async () => {
    const [mine, other] = await folders(2)
    // Every third task has a store here already, which is behind.
    for (let task = 0; task < tasks; task += 3) await write(mine!, task, 1)
    for (let task = 0; task < tasks; task++) await write(other!, task, 2)
    await Promise.all([mine!.close(), other!.close()])
    const [here, there] = [mine!.location, other!.location]

    for (const left of [30, 20, 10]) {
      const { child } = start(adopter, dataDir)
      while ((await storesIn(there)).length > left) {
        expect(child.exitCode ?? 0).toBe(0)
        await new Promise(setImmediate)
      }
      child.kill('SIGKILL')
      await once(child, 'exit')
      const found = new Set([...(await storesIn(here)), ...(await storesIn(there))])
      expect(found.size).toBe(tasks)
    }

    const [last] = await folders(1)
    for (let task = 0; task < tasks; task++) {
      expect(await last!.claim(task, rank)).toBe(true)
      await using store = await last!.open(task, { purpose: 'live' })
      expect([task, store.get('n')]).toEqual([task, '2'])
    }
    expect(await storesIn(there)).toEqual([])
    await last!.close()
  }, 60_000)

  async function folders(count: number): Promise<StoreFolder[]> {
    const taken: StoreFolder[] = []
    for (let i = 0; i < count; i++) taken.push(await levelFolder({ dataDir, app: 'shop' }))
    return taken
  }

  async function write(folder: StoreFolder, task: number, n: number): Promise<void> {
    await using store = await folder.open(task, { purpose: 'live' })
    const batch = store.batch()
    batch.put('n', String(n))
    await batch.write({ sync: false })
  }
})

async function storesIn(slot: string): Promise<string[]> {
  return (await readdir(slot)).filter((name) => name.startsWith('task-'))
}

function numberIn(line: string | undefined): number {
  return Number(/^batch (\d+)/.exec(line ?? '')?.[1])
}
