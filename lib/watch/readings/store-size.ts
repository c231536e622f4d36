import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../../core/clock.js'

/** Files are counted this often at most: there is one for each 8 MiB. */
const everyMs = 30_000
/** A disk that hangs holds up no answer. */
const patienceMs = 500

/** How large the files of local stores are, as last counted. */
export class StoreSize {
  readonly #clock: Clock
  bytes: number | undefined
  #counting: Promise<void> | undefined
  #countedAt = -Infinity

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Counts again, if it is long ago. Never rejects. `location`: of the folder; none where stores are in memory. */
  async look(location: string | undefined): Promise<void> {
    if (location === undefined) return
    if (this.#counting === undefined && this.#clock.elapsed() - this.#countedAt >= everyMs) {
      this.#countedAt = this.#clock.elapsed()
      this.#counting = bytesIn(location).then((bytes) => {
        this.bytes = bytes
        this.#counting = undefined
      })
    }
    if (this.#counting === undefined) return
    const inTime = new AbortController()
    await Promise.race([this.#counting, this.#clock.sleep(patienceMs, inTime.signal)])
    inTime.abort()
  }
}

/** Undefined where there is no such folder. Files come and go while they are counted. */
async function bytesIn(folder: string): Promise<number | undefined> {
  try {
    const entries = await readdir(folder, { withFileTypes: true, recursive: true })
    let bytes = 0
    for (const entry of entries) {
      if (!entry.isFile()) continue
      const file = join(entry.parentPath ?? entry.path, entry.name)
      bytes += await stat(file).then(
        ({ size }) => size,
        () => 0,
      )
    }
    return bytes
  } catch {
    return undefined
  }
}
