import { MillraceError } from '../../core/errors.js'
import type { Due, DueTime } from '../../state/due.js'
import { Culprits, dueName, recordName } from '../path/culprits.js'

/** What was taken last: a record, or something that was due. */
type Taken =
  | { readonly topic: string; readonly partition: number; readonly offset: number }
  | { readonly task: number; readonly time: DueTime; readonly due: Due }

/**
 * Finds what a broker refuses records for. A batch holds what many records have led to, and nothing says which of them made
 * what in it. So a commit that was refused is done again in smaller ones: half as many records and dues at most each time it is
 * refused, until a refused commit is made of one, which is the culprit. After that commits grow again, to what they were.
 *
 * What is processed the second time need not come in the same order, and other records may come between. That costs time only:
 * each commit either goes through, or is refused and the next is smaller.
 */
export class Halving {
  readonly culprits = new Culprits()
  /** Records and dues of one commit. */
  #most = Infinity
  /** As many as there were in the largest commit that was refused. */
  #size = 0
  /** Of those taken next, this many were in the commit refused last: a culprit is among them, unless the order is another. */
  #suspects = 0
  #taken = 0
  /** Turns that ended in the commit under construction and were begun before it. */
  #landed = 0
  #last: Taken | undefined
  #sealed = 0
  #landedSealed = 0
  #lastSealed: Taken | undefined

  /** One commit at a time: nothing is begun while one is under way. */
  get active(): boolean {
    return this.#most < Infinity
  }

  /** Records and dues that may still be taken into the commit under construction. */
  get left(): number {
    return this.#most - this.#taken
  }

  tookRecords(topic: string, partition: number, count: number, lastOffset: number): void {
    if (count === 0) return
    this.#taken += count
    this.#last = { topic, partition, offset: lastOffset }
  }

  tookDue(task: number, time: DueTime, due: Due): void {
    this.#taken++
    this.#last = { task, time, due }
  }

  /** A turn has ended that was begun before the last seal: what it did is in this commit, what it was taken for was in another. */
  landed(): void {
    this.#landed++
  }

  sealed(): void {
    this.#sealed = this.#taken
    this.#landedSealed = this.#landed
    this.#landed = 0
    this.#lastSealed = this.#last
    this.#taken = 0
  }

  /** What was taken since the last seal will be taken again. */
  discard(): void {
    this.#taken = this.#landed = 0
    this.culprits.undone()
  }

  committed(): void {
    if (!this.active) return
    this.culprits.committed()
    this.#suspects -= this.#sealed
    this.#most = this.#suspects > 0 ? Math.ceil(this.#suspects / 2) : Math.min(2 * this.#most, this.#size)
    if (this.#suspects > 0 || this.#most < this.#size || !this.culprits.none) return
    this.#most = Infinity
    this.#size = this.#suspects = 0
  }

  /**
   * The commit sealed last was refused for its records. Returns what has been found by that, for people to read. Throws
   * `RECORDS_REFUSED` when nobody is left to blame: the app stops then.
   */
  refused(error: MillraceError): string | undefined {
    const count = this.#sealed + this.#landedSealed
    if (count === 0) throw stops(error, 'Nothing that was read or due led to them.')
    this.#size = Math.max(this.#size, count)
    this.#most = Math.ceil(count / 2)
    // Rule blame-alone (integration/model). Turns begun before are cut off now, and due again: then each is taken.
    const alone = count === 1 && this.#landedSealed === 0 ? this.#lastSealed : undefined
    this.#suspects = alone === undefined ? count : 0
    return alone && this.#blame(alone, error)
  }

  #blame(taken: Taken, error: MillraceError): string {
    const name =
      'due' in taken
        ? dueName(taken.task, taken.time, taken.due)
        : recordName(taken.topic, taken.partition, taken.offset)
    const task = 'due' in taken ? taken.task : taken.partition
    const known = this.culprits.get(name)
    if (known === undefined) {
      this.culprits.add(name, { task, error, brief: false })
      return name
    }
    if (known.brief) throw stops(error, `They are what is left to say of ${name}, which cannot be committed either.`)
    this.culprits.add(name, { ...known, brief: true })
    return `${name}, whose dead letter is refused as well`
  }
}

function stops(error: MillraceError, why: string): MillraceError {
  const { topic = '', partition = 0 } = error
  return new MillraceError(
    'RECORDS_REFUSED',
    `${error.message} ${why} Look at the limits of ${topic}, and at what the broker checks there; started again, the app goes on from its last commit.`,
    { topic, partition, cause: error },
  )
}
