interface Job {
  readonly run: () => Promise<void>
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/**
 * Work that must not overlap with processing, a seal, or other such work: rebalances, recovery, activation. The engine
 * runs it between slices, one after the other.
 */
export class Jobs {
  readonly #queue: Job[] = []
  readonly #onAdded: () => void
  #closed = false

  constructor(onAdded: () => void) {
    this.#onAdded = onAdded
  }

  /** Resolves when the job has run; at once, without running it, when the engine has stopped. */
  add(run: () => Promise<void>): Promise<void> {
    if (this.#closed) return Promise.resolve()
    return new Promise((resolve, reject) => {
      this.#queue.push({ run, resolve, reject })
      this.#onAdded()
    })
  }

  /** Runs what is queued, and what is queued meanwhile. A job's error goes to whoever added it. */
  async runAll(): Promise<void> {
    for (let job = this.#queue.shift(); job !== undefined; job = this.#queue.shift()) {
      await job.run().then(job.resolve, job.reject)
    }
  }

  /** Jobs that have not run yet are let go: nothing is processed any more, so there is nothing to keep apart. */
  close(): void {
    this.#closed = true
    for (const job of this.#queue.splice(0)) job.resolve()
  }
}
