import type { TurnTrace } from '../../core/telemetry/tracer.js'
import type { Clock } from '../../core/clock.js'
import type { Duration } from '../../core/duration.js'
import { MillraceError, within } from '../../core/errors.js'
import type { Logger } from '../../core/logger.js'
import {
  demandEncoded,
  demandHeaders,
  demandKeyFor,
  demandTimestamp,
  forget,
  isThenable,
  kindOf,
} from '../../core/record-checks.js'
import { holdsOptions } from '../../core/options.js'
import type { Headers, RecordInfo } from '../../core/record.js'
import type { DeepReadonly } from '../../model/deep-readonly.js'
import type { TimerDefinition } from '../../model/kind.js'
import type { LookupTable } from '../../model/lookup.js'
import type { DemandTarget } from '../../model/names.js'
import { topicNode, type Topic } from '../../model/stream.js'
import type { EmitOptions, TimerOptions, Turn, WindowBounds } from '../../model/turn.js'
import { dueTime, timeBase } from '../due/due-time.js'
import { TimerIds, timerIdOf } from '../due/timer-id.js'
import type { Row } from '../kept/row.js'
import { sessionTimer, startOf } from '../kept/session-timers.js'
import type { TimerName, TimerSet } from '../kept/timers.js'
import { closeId, valueOf } from '../kept/turn-source.js'
import { writableTime, type OutputTimes } from '../../log/output-times.js'
import { headersSize } from '../../log/format/record-headers.js'
import { deleted, emitted, enter, timers } from '../windows/turn-parts.js'
import { carriedTurn, type Work } from './work.js'

/** What all turns of a process share. */
export interface TurnSurroundings {
  readonly clock: Clock
  readonly logger: Logger
  /** Throws `RECORD_TOO_LARGE` for a record that cannot be emitted. */
  readonly demandFits: (
    topic: string,
    key: string | Uint8Array | null,
    value: string | Uint8Array | null,
    headers: Headers | undefined,
  ) => void
  readonly demandTarget: DemandTarget
  /** Which timestamps can be emitted. */
  readonly times: OutputTimes
  /** The row of a table. Throws `DEFINITION_INVALID` when the app has no such table. */
  readonly lookUp: (table: LookupTable<unknown>, key: string) => unknown
}

/** A record that a turn emits, held until it has succeeded. */
export interface Emitted {
  readonly topic: string
  /** That it is to have when it is made; undefined: as the broker likes. */
  readonly partitions: number | undefined
  readonly key: string | Uint8Array | null
  readonly value: string | Uint8Array | null
  readonly timestamp: number
  readonly headers: Headers | undefined
}

/** A timer that a turn sets, or takes back. */
export interface TimerChange {
  readonly timer: TimerName
  readonly set: TimerSet | undefined
}

/** Records of one turn; its timers are set and taken back as often. */
const mostEmitted = 100_000
/** Keys, values and headers; a text counts as many as it has code units. */
const mostEmittedLength = 64 << 20

/** W3C trace context: what a turn emits belongs to the trace of its record. */
const traceHeaders = ['traceparent', 'tracestate', 'baggage']

/**
 * One call of a handler. Made anew for each turn (about 10 ns of 1 µs): one that is kept beyond its turn must find itself
 * closed, which a reused one could not tell. What it does to the world is held here, and nothing of it is left when it fails.
 */
export class ActiveTurn implements Turn<Record<string, unknown>> {
  #isNew: boolean
  #window: WindowBounds | undefined
  readonly #work: Work
  readonly #surroundings: TurnSurroundings
  #ended = false
  #aborting: AbortController | undefined
  #cause: MillraceError | undefined
  #timerIds: TimerIds | undefined
  #emittedLength = 0
  /** Where it is traced. */
  trace: TurnTrace | undefined = undefined;
  [deleted] = false;
  [emitted]: Emitted[] | undefined;
  [timers]: TimerChange[] | undefined

  constructor(work: Work, isNew: boolean, surroundings: TurnSurroundings) {
    this.#isNew = isNew
    this.#window = work.window && { ...work.window }
    this.#work = work
    this.#surroundings = surroundings
  }

  get key(): string {
    return this.#work.key
  }

  get isNew(): boolean {
    return this.#isNew
  }

  get window(): WindowBounds | undefined {
    return this.#window
  }

  [enter](window: WindowBounds, isNew: boolean): void {
    this.#window = window
    this.#isNew = isNew
  }

  get record(): RecordInfo {
    this.#demandOpen('record')
    return this.#work.record
  }

  get now(): number {
    this.#demandOpen('now')
    const { source, now } = this.#work
    const closes = this.#closes
    return closes === undefined ? now : closes.end + (source.kind.window?.graceMs ?? 0)
  }

  /** The window of which this is the last turn. */
  get #closes(): WindowBounds | undefined {
    return this.#work.source.id === closeId ? this.window : undefined
  }

  /** Of what it emits without a timestamp. What comes of a window is in the window, also in a longer one that begins or ends with it. */
  get #outputTime(): number {
    const closes = this.#closes
    return writableTime(closes === undefined ? this.#work.now : closes.end - 1)
  }

  /** For sessions; see `Work`. */
  get streamTime(): number {
    return this.#work.streamTime ?? -Infinity
  }

  /** For sessions: where that of the timer began that is due. */
  get timerStart(): number {
    const { timer } = this.#work
    return timer === undefined ? NaN : startOf(timer)
  }

  get log(): Logger {
    return this.#surroundings.logger
  }

  get signal(): AbortSignal {
    this.#aborting ??= new AbortController()
    if (this.#cause !== undefined) this.#aborting.abort(this.#cause)
    return this.#aborting.signal
  }

  emit<V>(target: Topic<V>, value: V | null, options: EmitOptions = none): void {
    this.#demandOpen('emit')
    const node = topicNode(target as Topic<never>)
    const { name, codec, keys, partitions } = node
    const where = `turn.emit to ${name}`
    this.#surroundings.demandTarget(name, where)
    if (isThenable(value)) throw this.#pending(where, value)
    const encoded = value === null ? null : demandEncoded(codec.encode(value), where)
    demandEmitOptions(options, where)
    const { headers, timestamp } = options
    this.#emitted({
      topic: name,
      partitions,
      key: demandKeyFor(keys, 'key' in options ? options.key : this.key, where),
      value: encoded,
      timestamp: this.#surroundings.times.taken(
        node,
        timestamp === undefined ? this.#outputTime : demandTimestamp(timestamp, where),
        where,
      ),
      headers: this.#headers(headers, where),
    })
  }

  #emitted(record: Emitted): void {
    const { topic, key, value, headers } = record
    this.#surroundings.demandFits(topic, key, value, headers)
    this[emitted] ??= []
    this.#emittedLength +=
      (key?.length ?? 0) + (value?.length ?? 0) + (headers === undefined ? 0 : headersSize(headers))
    if (this[emitted].length >= mostEmitted) throw this.#tooMuch(`turn.emit to ${topic}`, `${mostEmitted} records`)
    if (this.#emittedLength > mostEmittedLength)
      throw this.#tooMuch(`turn.emit to ${topic}`, `${mostEmittedLength >> 20} MiB`)
    this[emitted].push(record)
  }

  /** All of it is held until the turn has ended, and is in one commit. */
  #tooMuch(where: string, most: string): MillraceError {
    const what = `${where}: that is more than ${most} of one turn. Does it ever end? What is more is for several turns.`
    return new MillraceError('HANDLER_FAILED', what, { key: this.key })
  }

  #pending(where: string, promise: PromiseLike<unknown>): MillraceError {
    forget(promise)
    return new MillraceError('VALUE_INVALID', `${where}: what it carries is a promise; await it first`, {
      key: this.key,
    })
  }

  lookup<V>(table: LookupTable<V>, key: string): DeepReadonly<V> | undefined {
    this.#demandOpen('lookup')
    if (typeof key !== 'string') throw new MillraceError('RECORD_INVALID', noKey(key), { key: this.key })
    return this.#surroundings.lookUp(table, key) as DeepReadonly<V> | undefined
  }

  timer(name: string, when: Duration | Date, payload: unknown, options?: TimerOptions): void {
    this.#demandOpen('timer')
    const { time, backlog, keep } = this.#timer(name, 'timer')
    const where = `turn.timer('${name}')`
    const dueMs = dueTime(name, when, timeBase(time, this.#work, this.#surroundings.clock), this.key)
    if (isThenable(payload)) throw this.#pending(where, payload)
    const payloadText = within(where, { key: this.key }, () => keep(payload))
    const timer = this.#named(name, options, where)
    if (timer.id !== undefined) this.#ids.add(timer, where, this.key)
    this.#change({ timer, set: [dueMs, time === 'processing' && backlog === 'fire' ? 'prompt' : time, payloadText] })
  }

  cancel(name: string, options?: TimerOptions): void {
    this.#demandOpen('cancel')
    this.#timer(name, 'cancel')
    const timer = this.#named(name, options, `turn.cancel('${name}')`)
    if (timer.id !== undefined) this.#ids.delete(timer)
    this.#change({ timer, set: undefined })
  }

  #named(name: string, options: TimerOptions | undefined, where: string): TimerName {
    const timer = { name, id: timerIdOf(options, where, this.key) }
    const isOfSession = this.#work.source.kind.window?.kind === 'session'
    return isOfSession && this.#window !== undefined ? sessionTimer(this.#window.start, timer) : timer
  }

  get #ids(): TimerIds {
    const { agenda, source, entry } = this.#work
    this.#timerIds ??= new TimerIds(agenda.row(source.kind.name, entry.key).state as Row | undefined)
    return this.#timerIds
  }

  delete(): void {
    this.#demandOpen('delete')
    this[deleted] = true
  }

  /** It has ended, or is not waited for any longer: what it does from now on is refused. */
  end(): void {
    this.#ended = true
  }

  cutOff(cause: MillraceError): void {
    this.#ended = true
    this.#cause = cause
    this.trace?.failed(cause)
    this.#aborting?.abort(cause)
  }

  /** Another call of the same turn, with nothing done yet. */
  again(): ActiveTurn {
    return new ActiveTurn(this.#work, this.isNew, this.#surroundings)
  }

  /** The value of the turn, made of its record again: nothing has changed it. */
  ownValue(): unknown {
    const { source, value, record } = this.#work
    return typeof value === 'object' && value !== null ? valueOf(source, carriedTurn(this.#work), record) : value
  }

  #change(change: TimerChange): void {
    this[timers] ??= []
    if (this[timers].length >= mostEmitted)
      throw this.#tooMuch(`turn.timer('${change.timer.name}')`, `${mostEmitted} times that a timer is set or cancelled`)
    this[timers].push(change)
  }

  #timer(name: string, call: 'timer' | 'cancel'): TimerDefinition {
    const { kind } = this.#work.source
    const timer = kind.timers.get(name)
    if (timer !== undefined) return timer
    if (typeof name !== 'string')
      throw new MillraceError(
        'VALUE_INVALID',
        `turn.${call}: the name is ${kindOf(name)}; give that of a timer of state object '${kind.name}'`,
        { kind: kind.name, key: this.key },
      )
    const known = [...kind.timers.keys()].map((each) => `'${each}'`).join(', ')
    throw new MillraceError(
      'DEFINITION_INVALID',
      `state object '${kind.name}' has no timer '${name}'${known === '' ? '' : `, but ${known}`}: declare it with timers({ … })`,
      { kind: kind.name, key: this.key },
    )
  }

  #headers(own: EmitOptions['headers'], where: string): Headers | undefined {
    const { headers } = this.#work.record
    const { trace } = this
    if (headers.size === 0 && own === undefined && trace === undefined) return undefined
    const all = new Map<string, Uint8Array | null>()
    for (const name of traceHeaders) {
      const value = (trace === undefined || name === 'baggage' ? headers : trace.headers).get(name)
      if (value !== undefined) all.set(name, value)
    }
    if (own !== undefined) for (const [name, value] of demandHeaders(own, where)) all.set(name, value)
    return all.size === 0 ? undefined : all
  }

  #demandOpen(what: string): void {
    if (!this.#ended) return
    throw new MillraceError(
      'TURN_ENDED',
      `turn.${what} of '${this.key}' was used after its turn had ended: a turn must not be kept beyond the handler's call, or the promise that it returns`,
      { key: this.key },
    )
  }
}

/** It would be found in no table, as if its row were missing. */
const noKey = (key: unknown): string => `turn.lookup: the key is ${kindOf(key)}; give a string`

const none: EmitOptions = Object.freeze({})

/** By hand, since it is done for each record that is emitted. */
function demandEmitOptions(options: EmitOptions, where: string): void {
  if (options === none) return
  if (!holdsOptions(options)) {
    const what = `${kindOf(options)} in the place of options; give an object with key, headers, timestamp`
    throw new MillraceError('OPTIONS_INVALID', `${where}: ${what}.`)
  }
  for (const name in options) {
    if (name === 'key' || name === 'headers' || name === 'timestamp') continue
    const what = `there is no option '${name}'; there are key, headers, timestamp`
    throw new MillraceError('OPTIONS_INVALID', `${where}: ${what}.`)
  }
}
