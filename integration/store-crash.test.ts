import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'
import { levelFolder } from '../lib/store/level-folder.js'

const keys = 200
const compiled = pathToFileURL(join(__dirname, '..', 'dist', 'esm', 'store', 'level-folder.js')).href

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

describe('a process that is killed while it writes', () => {
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
  function startWriter(first: number): { child: ChildProcess; lines: AsyncIterator<string> } {
    const child = spawn(process.execPath, ['--input-type=module', '-e', writer, dataDir, String(first)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    children.push(child)
    return { child, lines: createInterface(child.stdout)[Symbol.asyncIterator]() }
  }

  it('leaves whole batches, none of the acknowledged ones missing, and its slot to the next', async () => {
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

  it('blocks nobody while it lives: another process takes the next slot', async () => {
    const { lines } = startWriter(1)
    expect((await lines.next()).value).toBe(`slot ${join(dataDir, 'shop', 'slot-0')}`)
    const folder = await levelFolder({ dataDir, app: 'shop' })
    expect(folder.location).toBe(join(dataDir, 'shop', 'slot-1'))
    await folder.close()
  })
})

function numberIn(line: string | undefined): number {
  return Number(/^batch (\d+)/.exec(line ?? '')?.[1])
}
