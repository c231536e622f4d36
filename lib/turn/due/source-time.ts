import type { RecordTimes, TimeRule } from './record-times.js'

/** A source partition that has been read to its end and has given nothing for so long, by the clock, holds nobody back. */
export const silentMs = 5_000

/** How far event time has come in a source partition. */
export interface Progress {
  /** The latest timestamp, milliseconds since the epoch; -Infinity when there was none. */
  readonly latest: number
  readonly isSilent: boolean
  /** Of one that is silent: up to where it has been read; undefined when that is not known. */
  readonly position: number | undefined
}

/** What is known where a source partition is read, at one position. */
interface Known {
  readonly at: number
  readonly latest: number
  readonly isSilent: boolean | undefined
  readonly told: Progress | undefined
}

/** How far event time has come in one source partition, where that is read, and what its inboxes have been told of it. */
export class SourceTime {
  readonly topic: string
  /** There are inboxes elsewhere that its records go to. */
  readonly tells: boolean
  readonly #rule: TimeRule
  readonly #times: RecordTimes
  latest = -Infinity
  /** Undefined as long as nobody knows: its task was taken over a moment ago. */
  isSilent: boolean | undefined
  #told: Progress | undefined
  /** The position that all this is of, and the furthest that it has been. */
  #at = 0
  #furthest = 0
  #movedAt: number | undefined
  #isAsked = false
  #sealed: Known = { at: 0, latest: -Infinity, isSilent: undefined, told: undefined }
  #committed = this.#sealed

  constructor(topic: string, tells: boolean, times: RecordTimes) {
    this.topic = topic
    this.tells = tells
    this.#times = times
    this.#rule = times.ruleOf(topic)
  }

  /** It is read from here on. */
  begin(position: number): void {
    this.#at = this.#furthest = position
    this.#sealed = this.#committed = { ...this.#sealed, at: position }
  }

  /** As it was known before in this process: who was silent is so still, unless more than that is read. */
  silentAs(before: SourceTime | undefined): void {
    if (before === undefined) return
    this.#movedAt = before.#movedAt
    this.#furthest = Math.max(this.#furthest, before.#furthest)
  }

  /** As its inboxes have been told by those who read it before. */
  wasTold(told: Progress): void {
    this.#told = told
    this.#sealed = this.#committed = { ...this.#sealed, told }
  }

  /** A record of this time has come by. */
  see(at: number): void {
    if (at > this.latest && this.#times.fault(at, this.#rule) === undefined) this.latest = at
  }

  /** It has been read up to here; `clock` is the time of day. What is read again after a rewind is no sign of life. */
  reached(position: number, clock: number): void {
    this.#movedAt ??= clock
    if (position !== this.#at) this.isSilent = false
    this.#at = position
    if (position <= this.#furthest) return
    this.#furthest = position
    this.#movedAt = clock
  }

  /** There is more than has been read. */
  hasMore(clock: number): void {
    this.#isAsked = true
    this.#movedAt = clock
    this.isSilent = false
  }

  /** Whether the log should be asked where it ends. */
  isToBeAsked(clock: number): boolean {
    return !this.#isAsked || (this.isSilent !== true && this.#isQuiet(clock))
  }

  /** There was no more than has been read, at this time of day. */
  wasReadOut(clock: number): void {
    this.#isAsked = true
    if (this.#isQuiet(clock)) this.isSilent = true
  }

  #isQuiet(clock: number): boolean {
    return clock - (this.#movedAt ?? clock) >= silentMs
  }

  /** What its inboxes have not been told yet. */
  get news(): Progress | undefined {
    const { latest, isSilent } = this
    if (!this.tells || isSilent === undefined) return undefined
    if (latest === this.#told?.latest && isSilent === this.#told.isSilent) return undefined
    return { latest, isSilent, position: isSilent ? this.#at : undefined }
  }

  /** The position that this is known of. */
  get position(): number {
    return this.#at
  }

  /** Whether they should be told although nothing was read. */
  get isUrgent(): boolean {
    return this.tells && this.isSilent !== undefined && this.isSilent !== this.#told?.isSilent
  }

  /** What there was to tell is part of the commit that is sealed. */
  seal(): void {
    this.#told = this.news ?? this.#told
    this.#sealed = { at: this.#at, latest: this.latest, isSilent: this.isSilent, told: this.#told }
  }

  committed(): void {
    this.#committed = this.#sealed
  }

  // Rule marks-as-sealed (integration/model).
  /** What was read since the last seal is read again, and may be part of other commits then. */
  rewind(): void {
    this.#become(this.#sealed)
  }

  rewindToCommitted(): void {
    this.#sealed = this.#committed
    this.#become(this.#committed)
  }

  #become({ at, latest, isSilent, told }: Known): void {
    this.#at = at
    this.latest = latest
    this.isSilent = isSilent
    this.#told = told
  }
}
