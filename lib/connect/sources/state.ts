import type { ConnectorHealth, ConnectorStats } from '../runner.js'
import type { DraftCounts } from './draft.js'
import type { Setting } from './setting.js'

type State = ConnectorHealth['state']

const guarantees = {
  replayable: 'exactly-once',
  acknowledged: 'at-least-once',
  volatile: 'at-most-once',
} as const

/** What a source is doing in this process, and has done. */
export class SourceState {
  readonly #setting: Setting
  readonly #troubles = new Map<string, string>()
  readonly #counts = { records: 0, commits: 0, duplicates: 0, deadLetters: 0, skipped: 0, retries: 0 }
  #partitions: ReadonlySet<string> = new Set()
  #starting = new Set<string>()
  #stage: 'starting' | 'member' | 'stopped' = 'starting'
  #known: State = 'starting'
  #since: number

  constructor(setting: Setting) {
    this.#setting = setting
    this.#since = setting.clock.now()
  }

  member(): void {
    if (this.#stage === 'starting') this.#stage = 'member'
    this.#look()
  }

  stopped(): void {
    this.#stage = 'stopped'
    this.#look()
  }

  begun(partition: string): void {
    this.#partitions = new Set([...this.#partitions, partition])
    this.#starting.add(partition)
    this.#look()
  }

  reads(partition: string): void {
    this.#starting.delete(partition)
    this.#look()
  }

  trouble(partition: string, reason: string): void {
    this.#counts.retries++
    this.#troubles.set(partition, reason)
    this.#look()
  }

  committed({ records, duplicates, deadLetters, skipped }: DraftCounts): void {
    this.#counts.records += records
    this.#counts.duplicates += duplicates
    this.#counts.deadLetters += deadLetters
    this.#counts.skipped += skipped
    this.#counts.commits++
  }

  known(duplicates: number): void {
    this.#counts.duplicates += duplicates
  }

  well(partition: string): void {
    if (this.#troubles.delete(partition)) this.#look()
  }

  ended(partition: string): void {
    this.#partitions = new Set([...this.#partitions].filter((each) => each !== partition))
    this.#starting.delete(partition)
    this.#troubles.delete(partition)
    this.#look()
  }

  get health(): ConnectorHealth {
    const { source, connector, log } = this.#setting
    this.#look()
    const [trouble] = this.#troubles.values()
    const reason = trouble ?? (this.#known === 'retrying' ? log.trouble : undefined)
    return {
      kind: 'source',
      name: source,
      connector: connector.kind,
      guarantee: guarantees[connector.delivery],
      state: this.#known,
      partitions: [...this.#partitions].sort(),
      ...(reason === undefined ? {} : { reason }),
      since: this.#since,
    }
  }

  get stats(): ConnectorStats {
    return { kind: 'source', name: this.#setting.source, ...this.#counts }
  }

  #look(): void {
    const state = this.#judged
    if (state === this.#known) return
    this.#known = state
    this.#since = this.#setting.clock.now()
  }

  get #judged(): State {
    if (this.#stage === 'stopped') return 'stopped'
    if (this.#troubles.size > 0 || this.#setting.log.trouble !== undefined) return 'retrying'
    if (this.#stage === 'starting' || this.#starting.size > 0) return 'starting'
    return this.#partitions.size === 0 ? 'idle' : 'running'
  }
}
