import { isError, MillraceError, reasonOf } from '../../core/errors.js'
import type { DeadLetter } from './dead-letters.js'
import type { Gathered } from './gatherer.js'
import { sinkBatch, spanOf, type Taken, type TakenBatch } from './taken.js'
import type { SinkParts } from './sink-parts.js'
import { idsBegin, refusedIn, type Target } from './target.js'
import type { UserCalls } from './user-calls.js'

/** So many records that fail one by one, and none between them that is taken: it is the target that fails, and more are not read. */
const mostSingles = 1_000
const mostSingleBytes = 8 << 20

/** One record that is written alone, since its batch has failed too often. */
interface Single extends TakenBatch {
  failures: number
  reason: unknown
}

/**
 * A batch on its way into the target. Its records are written in order: again as often as it takes, without those that the target
 * refuses, and after `attempts` failures one by one. Calls reject with what the target has failed with; then they are called again.
 */
export class Writing {
  readonly #parts: SinkParts
  readonly #partition: number
  #batch: TakenBatch
  /** What could not be read. */
  #unread: readonly DeadLetter[]
  #failures = 0
  #singles: Single[] | undefined
  #isFirst = true
  /** Where the target stands, as far as it was written to. */
  reached: number | undefined

  constructor(parts: SinkParts, partition: number, { records, nextOffset, letters, skipped }: Gathered) {
    this.#parts = parts
    this.#partition = partition
    this.#batch = { records, nextOffset }
    this.#unread = letters
    parts.counts.skipped += skipped
  }

  /** All that is left of it has failed as often as it may: only what comes behind it can show whose fault that is. */
  get needsMore(): boolean {
    const singles = this.#singles
    if (singles === undefined || singles.length >= mostSingles) return false
    const { attempts } = this.#parts.rules
    return singles.every(({ failures }) => failures >= attempts) && bytesOf(singles) < mostSingleBytes
  }

  /** Records that were read behind it, of which perhaps one is taken. */
  add({ records, nextOffset, letters, skipped }: Gathered): void {
    this.#singles?.push(...singlesOf({ records, nextOffset }, 0))
    this.#batch = { records: [], nextOffset }
    this.#unread = [...this.#unread, ...letters]
    this.#parts.counts.skipped += skipped
  }

  /** `from`: where the batch begins. `written`: all before this offset is. Resolves when all is. */
  async run(target: Target, calls: UserCalls, from: number, written: (offset: number) => void): Promise<void> {
    await this.#send(this.#unread)
    this.#unread = []
    if (this.#singles !== undefined) return await this.#oneByOne(this.#singles, target, calls, from, written)
    while (this.#batch.records.length > 0) {
      try {
        await this.#write(this.#batch, target, calls, from, () => [])
        break
      } catch (error) {
        const letters = this.#lettersIn(error)
        if (letters.length === 0) throw this.#failed(told(error))
        await this.#send(letters)
        this.#batch = without(this.#batch, letters)
      }
    }
    written(this.#batch.nextOffset)
  }

  /** The target could be opened again after a write had failed that leaves nothing to be seen of others: it is not the target that fails. */
  async reopened(): Promise<void> {
    const [single] = this.#singles ?? []
    const { attempts } = this.#parts.rules
    if (single === undefined || single.failures < attempts) return
    await this.#send([this.#letterOf(single, single.reason)])
    this.#singles?.shift()
  }

  #failed(error: unknown): unknown {
    const { attempts } = this.#parts.rules
    this.#failures++
    if (this.#failures >= attempts)
      this.#singles = singlesOf(this.#batch, this.#batch.records.length === 1 ? this.#failures : 0, error)
    return error
  }

  /** Each in order. One that has failed `attempts` times is a dead letter once another is taken right behind it. */
  async #oneByOne(
    singles: Single[],
    target: Target,
    calls: UserCalls,
    from: number,
    written: (offset: number) => void,
  ): Promise<void> {
    const { attempts } = this.#parts.rules
    let begin = from
    for (let at = 0; at < singles.length;) {
      const single = singles[at] as Single
      const failed = (): DeadLetter[] => singles.slice(0, at).map((each) => this.#letterOf(each, each.reason))
      try {
        await this.#write(single, target, calls, begin, failed)
        singles.splice(0, at + 1)
        at = 0
        begin = single.nextOffset
        written(begin)
      } catch (error) {
        const letters = this.#lettersIn(error, single)
        if (letters.length > 0) {
          await this.#send(letters)
          singles.splice(at, 1)
          continue
        }
        single.failures++
        single.reason = told(error)
        // What keeps the offset itself would lose those that it is to pass over: see `reopened`.
        if (single.failures < attempts || target.offset !== undefined) throw error
        if (++at === singles.length) throw error
      }
    }
    written(this.#batch.nextOffset)
  }

  /** `failed`: to become dead letters once this is taken, before anything is committed. */
  async #write(
    batch: TakenBatch,
    { write, twoPhase }: Target,
    calls: UserCalls,
    from: number,
    failed: () => readonly DeadLetter[],
  ): Promise<void> {
    const { format, app, name, offsets, counts } = this.#parts
    const span = spanOf(format.name, this.#partition, batch)
    const given = sinkBatch(format, this.#partition, batch, this.#isFirst)
    this.#isFirst = false
    if (twoPhase === undefined) {
      await calls.call(`write of ${span}`, () => write?.(given))
      await this.#send(failed())
    } else {
      const id = `${idsBegin(app, name, format.name, this.#partition)}${from}~${batch.nextOffset}`
      await calls.call(`prepare of ${span}`, () => twoPhase.prepare(id, given))
      await this.#send(failed())
      await offsets.commit(batch.nextOffset, id)
      await calls.call(`commit of ${span}`, () => twoPhase.commit(id))
    }
    counts.records += batch.records.length
    this.reached = batch.nextOffset
  }

  /** Of records of the batch that the target says it refuses. */
  #lettersIn(error: unknown, { records }: TakenBatch = this.#batch): DeadLetter[] {
    const refused = refusedIn(error)
    if (refused === undefined) return []
    return records
      .filter(({ offset }) => refused.has(offset))
      .map((record) => {
        const why = refused.get(record.offset)
        return this.#letter(record, `the target refuses it (${reasonOf(why)})`, isError(why) ? why : undefined)
      })
  }

  #letterOf({ records: [record], failures }: Single, error: unknown): DeadLetter {
    return this.#letter(record as Taken, `writing it has failed ${failures} times (${reasonOf(error)})`, error)
  }

  #letter({ offset, keyBytes, bytes, section, timestamp, key }: Taken, why: string, cause: unknown): DeadLetter {
    const from = { topic: this.#parts.format.name, partition: this.#partition, offset }
    const message = `${from.topic}[${from.partition}]@${offset}: sink '${this.#parts.name}': ${why}.`
    const facts = { ...from, ...(key === null ? {} : { key }), cause }
    const record = { key: keyBytes, value: bytes, headers: section, timestamp, from }
    return [record, new MillraceError('SINK_REFUSED', message, facts)]
  }

  async #send(letters: readonly DeadLetter[]): Promise<void> {
    if (letters.length === 0) return
    const { letters: topic, counts, logger, name, format } = this.#parts
    const [, first] = letters[0] as DeadLetter
    const others = letters.length === 1 ? '' : ` (and ${letters.length - 1} more of this batch)`
    const fields = { sink: name, code: first.code, err: first }
    // A letter about a letter would come back here, and another about that, for ever.
    if (topic.topic === format.name) {
      counts.skipped += letters.length
      logger.warn(fields, `${first.message} It is passed over, and stays the dead letter that it is${others}.`)
      return
    }
    await topic.write(letters)
    counts.deadLetters += letters.length
    logger.warn(fields, `${first.message} It is a dead letter now${others}.`)
  }
}

/** Who refuses records that it was not given has refused none. */
function told(error: unknown): unknown {
  if (refusedIn(error) === undefined) return error
  const what = 'the target refuses records, and none of their offsets is in the batch'
  return new MillraceError('CONNECTOR_INVALID', what, { cause: error })
}

function singlesOf({ records, nextOffset }: TakenBatch, failures: number, reason?: unknown): Single[] {
  return records.map((record, i) => {
    const next = i === records.length - 1 ? nextOffset : record.offset + 1
    return { records: [record], nextOffset: next, failures, reason }
  })
}

function bytesOf(singles: readonly Single[]): number {
  const all = singles.flatMap(({ records }) => records)
  return all.reduce((sum, { keyBytes, bytes }) => sum + (keyBytes?.length ?? 0) + (bytes?.length ?? 0), 0)
}

function without({ records, nextOffset }: TakenBatch, letters: readonly DeadLetter[]): TakenBatch {
  const gone = new Set(letters.map(([{ from }]) => from.offset))
  return { records: records.filter(({ offset }) => !gone.has(offset)), nextOffset }
}
