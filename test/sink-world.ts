import { SinkRefused, type SinkBatch, type SinkContext, type SinkPartition } from 'millrace/connect'
import type { SinkRunner } from '../lib/connect/sinks/sink-runner.js'
import { MillraceError } from '../lib/core/errors.js'
import type { CommitChannel, JoinOptions, LogPort, Membership } from '../lib/log/port.js'
import type { MemoryLog } from '../lib/memory/memory-log.js'
import { faultyLog } from './faulty-log.js'
import { connector, runner, type Row } from './sink-lab.js'

export type TargetKind = 'plain' | 'keeps the offset' | 'two phases'

/** What of a record has come to the target. */
export interface Written {
  readonly offset: number
  readonly n: number
}

const never = <T>(): Promise<T> => new Promise(() => undefined)
/** What the target never takes. */
export const isRefused = (n: number): boolean => n % 17 === 5
/** What it never takes, and does not say so. */
export const isPoison = (n: number): boolean => n % 23 === 7

/** What outlives all processes: what has been written, by partition; and where faults come from. */
export class Target {
  readonly rows = new Map<number, Written[]>()
  readonly offsets = new Map<number, number>()
  readonly prepared = new Map<string, { readonly partition: number; readonly rows: readonly Written[] }>()
  readonly errors: string[] = []
  faults = 0
  readonly #chance: () => number

  constructor(chance: () => number) {
    this.#chance = chance
  }

  /** Fails before or after it is done, or not at all. */
  async step(act: () => void): Promise<void> {
    const luck = this.#chance()
    if (luck < this.faults / 2) throw new Error('the connection is gone')
    act()
    if (luck < this.faults) throw new Error('the connection is gone, and nobody knows')
  }

  add(partition: number, rows: readonly Written[]): void {
    this.rows.set(partition, [...(this.rows.get(partition) ?? []), ...rows])
  }
}

/** One process that runs the sink. */
export class Process {
  readonly runner: SinkRunner
  readonly #log: MemoryLog
  readonly #target: Target
  readonly #hasPoison: boolean
  #memberId: string | undefined
  #isDead = false

  constructor(log: MemoryLog, target: Target, kind: TargetKind, chance: () => number, attempts: number | 'unlimited') {
    this.#log = log
    this.#target = target
    this.#hasPoison = attempts !== 'unlimited'
    const faulty = faultyLog(log, (step) => {
      if (this.#isDead) return 'silence'
      const luck = chance()
      if (step === 'begin' || luck >= target.faults) return undefined
      return { error: new MillraceError('OUTCOME_UNKNOWN', `${step} failed`), done: luck < target.faults / 2 }
    })
    const to = connector((context) => this.#open(context, kind))
    const port = this.#mortal(faulty)
    this.runner = runner(port, to, { batchRecords: 7, attempts }, { sessionTimeoutMs: 40 })
  }

  /** Nothing of it reaches anybody any more. */
  kill(): void {
    this.#isDead = true
    this.expel()
    void this.runner.close()
  }

  /** The group believes that it is dead, and it is not. */
  expel(): void {
    if (this.#memberId !== undefined) this.#log.expel('shop-sink-out', this.#memberId)
  }

  #mortal(log: LogPort): LogPort {
    const join = async (options: JoinOptions): Promise<Membership> =>
      await log.join({
        ...options,
        onAssign: async (generation, ...rest) => {
          this.#memberId = generation.memberId
          if (!this.#isDead) await options.onAssign(generation, ...rest)
        },
        onRevoke: () => (this.#isDead ? Promise.resolve() : options.onRevoke()),
        onLost: (reason, fatal) => {
          if (!this.#isDead) options.onLost(reason, fatal)
        },
      })
    return {
      kind: log.kind,
      trouble: undefined,
      admin: log.admin,
      join,
      fetcher: (options) => log.fetcher(options),
      transactions: (options) => log.transactions(options),
      idempotent: (): Promise<CommitChannel> => (this.#isDead ? never() : log.idempotent()),
      [Symbol.asyncDispose]: () => log[Symbol.asyncDispose](),
    }
  }

  async #open(context: SinkContext, kind: TargetKind): Promise<SinkPartition<Row>> {
    await this.#call(() => undefined)
    if (kind === 'plain')
      return { write: (batch) => this.#call(() => this.#target.add(batch.partition, this.#taken(batch))) }
    return kind === 'two phases' ? this.#twoPhases(context) : this.#keeping(context)
  }

  #keeping({ partition }: SinkContext): SinkPartition<Row> {
    const { offsets } = this.#target
    let offset = offsets.get(partition) ?? 0
    return {
      offset,
      write: (batch) =>
        this.#call(() => {
          const rows = this.#taken(batch)
          if ((offsets.get(partition) ?? 0) !== offset) throw new Error('another process writes this partition')
          offset = batch.nextOffset
          offsets.set(partition, offset)
          this.#target.add(partition, rows)
        }),
    }
  }

  #twoPhases({ partition }: SinkContext): SinkPartition<Row> {
    const { prepared } = this.#target
    return {
      twoPhase: {
        prepare: (id, batch) =>
          this.#call(() => {
            const rows = this.#taken(batch as SinkBatch<Row>)
            if (prepared.has(id)) throw new Error(`${id} is prepared already`)
            prepared.set(id, { partition, rows })
          }),
        commit: (id) =>
          this.#call(() => {
            const found = prepared.get(id)
            if (found === undefined) this.#target.errors.push(`${id} is to be committed and is not there`)
            prepared.delete(id)
            this.#target.add(partition, found?.rows ?? [])
          }),
        abort: (id) => this.#call(() => void prepared.delete(id)),
        pending: async () => {
          await this.#call(() => undefined)
          return [...prepared.keys()]
        },
      },
    }
  }

  /** Throws what the target throws for records that it refuses. */
  #taken({ records }: SinkBatch<Row>): readonly Written[] {
    const refused = records.filter(({ value }) => isRefused(value!.n))
    if (refused.length > 0) throw new SinkRefused(new Map(refused.map(({ offset }) => [offset, 'a multiple'])))
    if (this.#hasPoison && records.some(({ value }) => isPoison(value!.n))) throw new Error('no')
    return records.map(({ offset, value }) => ({ offset, n: value!.n }))
  }

  async #call(act: () => void): Promise<void> {
    if (this.#isDead) return await never()
    await new Promise((resolve) => setImmediate(resolve))
    if (this.#isDead) return await never()
    await this.#target.step(act)
    await new Promise((resolve) => setImmediate(resolve))
    if (this.#isDead) await never()
  }
}
