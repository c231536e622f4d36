import type { Clock } from '../../core/clock.js'
import { RecordRefused } from '../../core/record-refused.js'
import type { RecordInfo } from '../../core/record.js'
import type { TraceHeaders, Tracer } from '../../core/telemetry/tracer.js'
import { surrounded, without } from '../../log/format/header-section.js'
import type { HeaderSection } from '../../log/format/record-headers.js'
import type { RecordCursor } from '../../log/port.js'
import { carriedRecord } from '../../turn/kept/carried.js'
import { valueBytes } from '../../turn/kept/record-bytes.js'
import { packHop, type HopElement } from '../../turn/output/hop.js'
import type { Outbox } from '../../turn/output/outbox.js'
import type { Counters } from '../../turn/running/counters.js'

/** What hops need of a `Passage`. */
export interface HopSurroundings {
  readonly outbox: Outbox
  readonly clock: Clock
  /** Stands on the record. */
  readonly cursor: RecordCursor
  readonly counts: Counters
  readonly tracer: Tracer | undefined
}

/** Characters of keys in one hop: many values of one record share few copies of it, and none becomes much larger than it. */
const keysPerHop = 65_536

/** Bytes of a hop beside the record and the key, at most: names of a topic and an input, and numbers. */
const mostOfOurs = 4_096

/**
 * Sends records of one source to the partitions of their objects. What hops is the record, not the value that steps made of
 * it: they are run again where it arrives. Values of one record for one partition hop together.
 */
export class Hops {
  readonly #inbox: string
  readonly #source: string
  readonly #way: number
  readonly #surroundings: HopSurroundings
  readonly #collected = new Map<number, HopElement[]>()

  constructor(inbox: string, source: string, way: number, surroundings: HopSurroundings) {
    this.#inbox = inbox
    this.#source = source
    this.#way = way
    this.#surroundings = surroundings
  }

  /** What it gives sends the record. Refuses one that the inbox does not take. */
  prepared(partition: number, key: string, record: RecordInfo): () => void {
    const headers = this.#demandFits({ key, element: 0 }, record)
    return () => this.#send(partition, key, headers)
  }

  /** The same of one of several values of the record; sent with `sendCollected`. */
  preparedOne(partition: number, key: string, element: number, record: RecordInfo): () => void {
    const one = { key, element }
    if (!this.#certainlyFits(key)) this.#demandFits(one, record)
    return () => {
      const others = this.#collected.get(partition)
      if (others === undefined) this.#collected.set(partition, [one])
      else others.push(one)
    }
  }

  sendCollected(record: RecordInfo): void {
    if (this.#collected.size === 0) return
    for (const [partition, elements] of this.#collected) {
      for (const together of inHops(elements)) this.#sendTogether(partition, together, record)
    }
    this.#collected.clear()
  }

  #sendTogether(partition: number, elements: readonly HopElement[], record: RecordInfo): void {
    const [first, ...more] = elements as [HopElement, ...HopElement[]]
    const headers = this.#packed(first, more, record)
    if (more.length === 0 || this.#misfit(first.key, headers) === undefined)
      return this.#send(partition, first.key, headers)
    // Each of them fits alone.
    for (const each of elements) this.#sendTogether(partition, [each], record)
  }

  /** When it is sent, not when the record is from: brokers refuse times that are far from theirs. */
  #send(partition: number, key: string, headers: HeaderSection): void {
    const { outbox, clock, cursor, counts } = this.#surroundings
    outbox.add(this.#inbox, partition, key, valueBytes(cursor), clock.now(), headers)
    counts.now.hops++
  }

  /** Whether nothing need be counted: a character is at most three bytes. */
  #certainlyFits({ length }: string): boolean {
    const { outbox, cursor } = this.#surroundings
    const { keyStart, keyEnd, valueStart, valueEnd } = cursor
    const source = keyEnd - keyStart + valueEnd - valueStart + cursor.headerSection().length
    return source + 3 * length + mostOfOurs <= outbox.maxBytesOf(this.#inbox)
  }

  #demandFits(one: HopElement, record: RecordInfo): HeaderSection {
    const headers = this.#packed(one, none, record)
    const why = this.#misfit(one.key, headers)
    if (why === undefined) return headers
    throw new RecordRefused('RECORD_TOO_LARGE', `the hop to ${this.#inbox}: the record ${why}`)
  }

  /** It is as large as its source took it, which may be more than code of this app may make. */
  #misfit(key: string, headers: HeaderSection): string | undefined {
    const { outbox, cursor } = this.#surroundings
    return outbox.misfit(this.#inbox, key, valueBytes(cursor), headers, Infinity)
  }

  #packed({ element }: HopElement, more: readonly HopElement[], record: RecordInfo): HeaderSection {
    const { cursor, tracer } = this.#surroundings
    const own = carriedRecord(record, cursor, record.timestamp)
    const trace = tracer?.hop(record, this.#inbox)
    const carried = trace === undefined ? own : { ...own, headers: traced(own.headers, trace) }
    return packHop({ source: this.#source, record: carried, way: this.#way, element, letter: undefined }, more)
  }
}

const none: readonly HopElement[] = []

/** In lists that go in one hop each. */
function inHops(elements: readonly HopElement[]): readonly (readonly HopElement[])[] {
  const lists: HopElement[][] = []
  let length = Infinity
  for (const each of elements) {
    length += each.key.length
    if (length > keysPerHop) {
      lists.push([])
      length = each.key.length
    }
    lists.at(-1)?.push(each)
  }
  return lists
}

/** In place of those of its trace before: the state of one trace is none of another, and none are added each time that it is replayed. */
const traced = (headers: HeaderSection, trace: TraceHeaders): HeaderSection =>
  surrounded([], without(['traceparent', 'tracestate'], headers), [...trace])
