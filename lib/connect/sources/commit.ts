import { MillraceError, reasonOf } from '../../core/errors.js'
import type { TopicPartition } from '../../core/record.js'
import type { CommitChannel } from '../../log/port.js'
import { isTooLarge } from '../../log/records-refused.js'
import type { Draft } from './draft.js'
import type { SealedIds } from './id-window.js'
import { batched, type Outgoing } from './outgoing.js'
import type { Setting, SourceTopics } from './setting.js'
import { idsKey, standingKey, standingPlace, standingText } from './standing.js'

/** What a commit says of where its partition stands. */
export interface Seal {
  readonly commits: number
  readonly ids: SealedIds
  readonly range: readonly [first: number, next: number]
  readonly position: string | undefined
}

export interface CommitOptions {
  readonly setting: Setting
  readonly topics: SourceTopics
  readonly channel: CommitChannel
  readonly partition: string
  readonly index: number
}

/** What became of an attempt. */
export type Attempt =
  | { readonly outcome: 'committed' }
  /** It was aborted, for certain, and is to be made again: at once when it was changed for that. */
  | { readonly outcome: 'aborted'; readonly error: unknown; readonly isChanged: boolean }

/** One commit of a source: its records, dead letters, position and ids, all or none of them. */
export class Commit {
  readonly #options: CommitOptions
  readonly #draft: Draft
  readonly #seal: Seal
  /** Records in a batch, while it is looked for one that a broker refuses without saying which. */
  #most = Infinity

  constructor(options: CommitOptions, draft: Draft, seal: Seal) {
    this.#options = options
    this.#draft = draft
    this.#seal = seal
  }

  /** Rejects with `FENCED`, with `OUTCOME_UNKNOWN`, and with what is no error of the log. */
  async attempt(): Promise<Attempt> {
    const { channel, index } = this.#options
    const records = this.#draft.outgoing(this.#most)
    const all = [...records, ...this.#draft.letters(this.#letterTime(), index), ...this.#rows()]
    if (all.length === 0) return { outcome: 'committed' }
    try {
      await channel.begin(touched(all), undefined)
      const failed = await this.#append(all)
      if (failed !== undefined) {
        await channel.abort()
        return await this.#failed(failed)
      }
      await channel.commit()
      return { outcome: 'committed' }
    } catch (error) {
      if (!isAborted(error) || MillraceError.is(error, 'FENCED')) throw error
      await channel.abort()
      return { outcome: 'aborted', error, isChanged: false }
    }
  }

  #letterTime(): number {
    const { times, clock } = this.#options.setting
    return times.nearest(this.#options.topics.letters, clock.now())
  }

  /** All appends at once; the first failure, when none is left under way. */
  async #append(all: readonly Outgoing[]): Promise<Failed | undefined> {
    const { channel } = this.#options
    const { isEverywhere, connector } = this.#options.setting
    const results = await Promise.allSettled(all.map((out) => channel.append(out, out.batch)))
    let failed: Failed | undefined
    results.forEach((result, i) => {
      const out = all[i] as Outgoing
      if (result.status === 'fulfilled') {
        // Without a transaction it is there.
        if (isEverywhere) this.#written(out)
        return
      }
      // What a broker says of records says more than that the others were given up because of it.
      // Perhaps it is there all the same: what may come at most once is not sent again.
      if (isEverywhere && connector.delivery === 'volatile' && !isOfRecords(result.reason)) throw unknown(result.reason)
      if (failed === undefined || (!isOfRecords(failed.error) && isOfRecords(result.reason)))
        failed = { out, error: result.reason }
    })
    return failed
  }

  #written({ entries }: Outgoing): void {
    if (entries.length > 0) this.#draft.sent(entries)
    else this.#draft.lettersSent()
  }

  async #failed({ out, error }: Failed): Promise<Attempt> {
    if (MillraceError.is(error, 'FENCED')) throw error
    if (!isOfRecords(error)) return { outcome: 'aborted', error, isChanged: false }
    const { entries, topic, batch } = out
    if (
      isTooLarge(error) &&
      (await this.#options.topics.limits.refused(topic, { bytes: batch.bytes, records: batch.records }))
    )
      return { outcome: 'aborted', error, isChanged: true }
    if (entries.length === 0) return { outcome: 'aborted', error, isChanged: false }
    const named = (error.records ?? []).flatMap((place) => entries[place] ?? [])
    const refused = named.length > 0 ? named : entries.length === 1 ? entries : []
    this.#draft.refuse(refused, error)
    if (refused.length === 0) this.#most = Math.max(1, Math.ceil(entries.length / 2))
    return { outcome: 'aborted', error, isChanged: true }
  }

  #rows(): readonly Outgoing[] {
    const { setting, topics, partition } = this.#options
    if (setting.isEverywhere) return []
    const { commits, ids, range, position } = this.#seal
    const now = setting.times.nearest(topics.positions, setting.clock.now())
    const rows = [
      ...ids.written.map(([number, each]) => [idsKey(partition, number), JSON.stringify(each)] as const),
      ...ids.dropped.map((number) => [idsKey(partition, number), null] as const),
      [standingKey(partition), standingText(commits, topics.positionPartitions, range, position)] as const,
    ]
    const at = { topic: topics.positions, partition: standingPlace(partition, topics.positionPartitions) }
    const records = rows.map(([key, value]) => ({ key, value, headers: undefined }))
    return batched(setting.rules.of(topics.positions), at, now, records)
  }
}

const unknown = (cause: unknown): MillraceError =>
  new MillraceError('OUTCOME_UNKNOWN', `whether records were written is not known (${reasonOf(cause)})`, { cause })

interface Failed {
  readonly out: Outgoing
  readonly error: unknown
}

const isOfRecords = (error: unknown): error is MillraceError => MillraceError.is(error, 'RECORDS_REFUSED')

/** Whether what was begun is not committed, for certain, once it is aborted. */
const isAborted = (error: unknown): boolean => MillraceError.is(error) && error.code !== 'OUTCOME_UNKNOWN'

function touched(all: readonly Outgoing[]): readonly TopicPartition[] {
  const found = new Map<string, TopicPartition>()
  for (const { topic, partition } of all) found.set(`${topic} ${partition}`, { topic, partition })
  return [...found.values()]
}
