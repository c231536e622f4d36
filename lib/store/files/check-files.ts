import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Damage } from './damage.js'
import { LevelBytes } from './level-bytes.js'
import { logRecords } from './level-log.js'
import { readManifest, type Manifest } from './level-manifest.js'
import { checkTable } from './level-table.js'

/** Tables checked at most, which is what it may cost; of a larger store the newest ones. */
const checkedBytes = 256 << 20

/**
 * Looks for what LevelDB does not notice when it opens a database, and what would show as lost or wrong state later: blocks
 * that do not have their checksum, and changes that are missing between tables and write-ahead logs. Throws `Damage`.
 * The database must not be open.
 */
export async function checkFiles(path: string): Promise<void> {
  const names = await readdir(path)
  // LevelDB itself refuses a database without it.
  if (!names.includes('CURRENT')) return
  const current = (await readFile(join(path, 'CURRENT'), 'utf8')).trim()
  if (!names.includes(current)) throw new Damage('CURRENT names a manifest that is not there')
  const manifest = await inFile(current, async () => readManifest(await readFile(join(path, current))))
  await checkLogs(path, names, manifest)
  await checkTables(path, names, manifest)
}

/**
 * Write-ahead logs hold changes in sequence, and begin where the tables end: a manifest that was cut is one of an earlier
 * time, and the logs between are gone.
 */
async function checkLogs(path: string, names: readonly string[], manifest: Manifest): Promise<void> {
  const { logNumber, lastSequence } = manifest
  const logs = names
    .flatMap((name) => /^(\d+)\.log$/.exec(name)?.[1] ?? [])
    .map(Number)
    .filter((number) => number >= logNumber)
    .sort((a, b) => a - b)
  if (logNumber > 0 && logs[0] !== logNumber) throw new Damage(`write-ahead log ${logNumber} is missing`)
  let next: number | undefined
  for (const number of logs) {
    const name = names.find((one) => one.endsWith('.log') && Number.parseInt(one, 10) === number) as string
    await inFile(name, async () => {
      for (const record of logRecords(await readFile(join(path, name)))) {
        const batch = new LevelBytes(record)
        const sequence = batch.uint64()
        if (next === undefined ? sequence > lastSequence + 1 : sequence !== next)
          throw new Damage(`changes before ${sequence} are missing`)
        next = sequence + batch.uint32()
      }
    })
  }
}

async function checkTables(path: string, names: readonly string[], { tables }: Manifest): Promise<void> {
  let left = checkedBytes
  for (const [number, size] of [...tables].sort(([a], [b]) => b - a)) {
    const name = names.find((one) => /\.(ldb|sst)$/.test(one) && Number.parseInt(one, 10) === number)
    if (name === undefined) throw new Damage(`table ${number} is missing`)
    left -= size
    if (left < 0) continue
    await inFile(name, async () => {
      const bytes = await readFile(join(path, name))
      if (bytes.length !== size) throw new Damage(`it has ${bytes.length} bytes instead of ${size}`)
      checkTable(bytes)
    })
  }
}

/** Names the file in what is thrown. A number that is read beyond the end is damage too. */
async function inFile<T>(name: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read()
  } catch (error) {
    if (error instanceof Damage || error instanceof RangeError) throw new Damage(`${name}: ${error.message}`)
    throw error
  }
}
