import type { GivenBatch } from './batch-check.js'
import { Commit, type CommitOptions, type Seal } from './commit.js'
import { Draft, type DraftCounts, type Keyless } from './draft.js'
import { IdWindow } from './id-window.js'
import { Reading } from './reading.js'
import type { Standing } from './standing.js'

/** More than this waits for the commit before it, and the source waits. */
/** Records, and batches: one may be empty, or hold what was written before. */
const mostRecords = 20_000
const mostBytes = 8 * 1024 * 1024
/** A source that always has a batch must let others have their turn. */
const longestSliceMs = 5

/**
 * So many refusals of a commit, and it is begun anew: with another channel, topics that were looked up again, and what was committed.
 * Where nothing comes again what was under way is lost then, so that is waited for longer.
 */
const patienceForAgain = 3
const patienceForLast = 10

/** What a session tells. */
export interface SessionEvents {
  readonly onCommitted: (counts: DraftCounts) => void
  /** So many records came again, and nothing else, so that there was nothing to commit. */
  readonly onKnown: (duplicates: number) => void
  /** A batch was committed and acknowledged. */
  readonly onDone: () => void
  /** Resolves when it is time to try again; false when there is no more time. */
  readonly onTrouble: (error: unknown) => Promise<boolean>
}

/**
 * Reads a partition of a source from one position on, until the iteration ends or something fails. While a commit is on its way the
 * batches that come are gathered for the next one.
 */
export class Session {
  readonly #options: CommitOptions
  readonly #events: SessionEvents
  readonly #reading: Reading
  readonly #ids: IdWindow
  readonly #keyless: Keyless
  #filling: Draft
  #sending: Promise<void> | undefined
  #failure: { readonly error: unknown } | undefined
  #commits: number
  #position: string | undefined

  constructor(options: CommitOptions, standing: Standing, events: SessionEvents) {
    const { setting, partition, index } = options
    this.#options = options
    this.#events = events
    this.#ids = new IdWindow(setting.idWindow)
    this.#ids.restore(standing.ids, standing.nextIds, standing.isElsewhere)
    this.#commits = standing.commits
    this.#position = standing.position === undefined ? undefined : JSON.stringify(standing.position)
    this.#keyless = { partition: index, bytes: 0 }
    this.#filling = this.#newDraft()
    this.#reading = new Reading(setting, partition, standing.position)
  }

  /** Resolves when the iteration has ended, or `stop` was called, and all that it gave is committed. Rejects with what has failed. */
  async run(): Promise<void> {
    try {
      await this.#read()
      await this.#settled()
    } catch (error) {
      // What came before is whole, and is not to come again.
      await this.#settled().catch(() => undefined)
      throw error
    } finally {
      await this.#reading.close()
    }
  }

  /** Takes no more batches. */
  stop(): void {
    this.#reading.halt()
  }

  async #read(): Promise<void> {
    const { clock } = this.#options.setting
    let slice = clock.elapsed()
    for (;;) {
      const batch = await this.#reading.next()
      if (batch === undefined) return
      await this.#take(batch)
      if (clock.elapsed() - slice < longestSliceMs) continue
      await clock.breathe()
      slice = clock.elapsed()
    }
  }

  async #take(batch: GivenBatch): Promise<void> {
    this.#demandWorking()
    try {
      this.#filling.add(batch)
    } catch (error) {
      // It has a part of a batch.
      this.#filling = this.#newDraft()
      throw error
    }
    if (this.#sending === undefined) this.#send()
    else if (this.#filling.given >= mostRecords || this.#filling.bytes >= mostBytes) await this.#sending
    this.#demandWorking()
  }

  #demandWorking(): void {
    if (this.#failure !== undefined) throw this.#failure.error
  }

  #newDraft(): Draft {
    const { setting, topics, partition } = this.#options
    return new Draft(setting, topics, partition, this.#ids, this.#keyless)
  }

  #send(): void {
    const draft = this.#filling
    this.#filling = this.#newDraft()
    this.#sending = this.#commit(draft).then(
      () => {
        this.#sending = undefined
        if (!this.#filling.isEmpty) this.#send()
      },
      (error: unknown) => {
        this.#sending = undefined
        this.#failure = { error }
        this.#reading.halt()
      },
    )
  }

  async #settled(): Promise<void> {
    while (this.#sending !== undefined) await this.#sending
    this.#demandWorking()
  }

  async #commit(draft: Draft): Promise<void> {
    if (draft.hasNews) {
      const commit = new Commit(this.#options, draft, this.#seal(draft))
      const { delivery } = this.#options.setting.connector
      const patience = delivery === 'volatile' ? patienceForLast : patienceForAgain
      for (let failures = 0; ;) {
        const attempt = await commit.attempt()
        if (attempt.outcome === 'committed') break
        if (attempt.isChanged) continue
        if (++failures >= patience || !(await this.#events.onTrouble(attempt.error))) throw attempt.error
      }
      this.#events.onCommitted(draft.counts)
    } else this.#events.onKnown(draft.counts.duplicates)
    await Promise.all(draft.batches.map(({ ack, refused }) => this.#reading.acknowledge({ ack }, refused)))
    this.#events.onDone()
  }

  #seal(draft: Draft): Seal {
    const ids = this.#ids.seal()
    this.#position = draft.position ?? this.#position
    return { commits: ++this.#commits, ids, range: this.#ids.range, position: this.#position }
  }
}
