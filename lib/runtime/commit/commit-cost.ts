/** At most this part of one core goes into commits that nothing but a short wait asks for. */
const share = 0.1
/** Of so many commits the cheapest counts: others have work of the process in them that has nothing to do with commits. */
const few = 16

/** CPU milliseconds of this process so far, all threads. */
export function processCpuMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1_000
}

/**
 * What a commit costs, measured as it goes: the CPU time of the process from a seal until the commit is answered, without what
 * was processed meanwhile, of the cheapest of the last few. A busy process may be taken to have dearer commits than it has, and
 * makes fewer.
 */
export class CommitCost {
  readonly #cpuMs: () => number
  #sealedAt = 0
  #processedMs = 0
  readonly #recent: number[] = []

  constructor(cpuMs: () => number = processCpuMs) {
    this.#cpuMs = cpuMs
  }

  /** So far apart commits are that their share is kept, milliseconds. */
  get apartMs(): number {
    return this.#recent.length === 0 ? 0 : Math.min(...this.#recent) / share
  }

  sealing(): void {
    this.#sealedAt = this.#cpuMs()
    this.#processedMs = 0
  }

  /** User work was done for so long. */
  processed(ms: number): void {
    this.#processedMs += ms
  }

  answered(): void {
    const ms = Math.max(0, this.#cpuMs() - this.#sealedAt - this.#processedMs)
    this.#recent.push(ms)
    if (this.#recent.length > few) this.#recent.shift()
  }
}
