import { types } from 'node:util'
import { asBuffer, utf8Text } from '../../core/bytes.js'
import { textKeys, type KeyFormat } from '../../core/key-format.js'
import { RecordRefused } from '../../core/record-refused.js'
import type { RecordInfo } from '../../core/record.js'
import { defaultErrorPolicy } from '../../model/inputs.js'
import { initializer } from '../../model/initial-state.js'
import type { ErrorPolicy, KindDefinition, TimerTime } from '../../model/kind.js'
import { paths } from '../../model/paths.js'
import type { StreamNode } from '../../model/stream.js'
import { closingSessions, inSession, onSessionTimer, type TurnHandler } from '../windows/sessions.js'
import { Breaker } from '../inputs/breaker.js'
import { Caution } from './caution.js'
import { CarriedInfo, type CarriedRecord, type CarriedTurn } from './carried.js'
import { Room } from '../inputs/room.js'
import { TurnMeter } from '../inputs/turn-meter.js'
import { Way } from './way.js'

/** One way turns of a kind come about: an input, a timer, or the closing of windows. */
export interface TurnSource {
  /** `orders#0`; of timers `timer:close`; of windows `close`. Kept turns and hopped records carry it. */
  readonly id: string
  readonly kind: KindDefinition
  readonly kindIndex: number
  readonly onError: ErrorPolicy
  readonly timeoutMs: number
  /** What a new object begins with. */
  readonly init: (key: string) => unknown
  readonly handler: TurnHandler
  /** By source topic, in the order in which the stream has them. */
  readonly ways: ReadonlyMap<string, readonly Way[]>
  /** Turns of it come about when something is due; by which time. Undefined: when records come. */
  readonly dueBy: TimerTime | undefined
  readonly isTimer: boolean
  /** Name of the timer whose turns these are. */
  readonly timer: string | undefined
  /** Its handler is an async function, or has returned a promise: each turn begins with a copy of the state. */
  isAsync: boolean
  /** Whether turns of it have failed of late, so that more is to be done before each. */
  readonly caution: Caution
  /** Pauses it while too many of its objects fail; undefined: it never pauses. */
  readonly breaker: Breaker | undefined
  /** How many asynchronous turns of it are under way. */
  readonly room: Room
  readonly meter: TurnMeter
}

const timeoutMs = 30_000

/** All sources of a kind, by id. */
export function turnSources(kind: KindDefinition, kindIndex: number): ReadonlyMap<string, TurnSource> {
  const { window, timers, inputs, onClose = (): undefined => undefined } = kind
  const init = window?.kind === 'session' ? () => [] : initializer(kind)
  const own = {
    kind,
    kindIndex,
    onError: defaultErrorPolicy,
    timeoutMs,
    init,
    isTimer: false,
    timer: undefined,
    dueBy: undefined,
    breaker: undefined,
  }
  const ways = new Map<string, readonly Way[]>()
  const ofTimer = window?.kind === 'session' ? onSessionTimer : (handler: TurnHandler) => handler
  const ofTimers = [...timers.values()].map(({ name, time, handler, revive }): TurnSource => ({
    ...own,
    id: timerId(name),
    caution: new Caution(),
    room: new Room(),
    meter: new TurnMeter(),
    dueBy: time,
    isTimer: true,
    timer: name,
    isAsync: types.isAsyncFunction(handler),
    handler: ofTimer(revived(revive, (handler ?? (() => undefined)) as TurnHandler)),
    ways,
  }))
  const ofInputs = inputs.map(({ id, from, onError, breaker, turnTimeoutMs, handler }): TurnSource => ({
    ...own,
    id,
    caution: new Caution(),
    room: new Room(),
    meter: new TurnMeter(),
    onError,
    breaker: breaker && new Breaker(breaker),
    timeoutMs: turnTimeoutMs,
    isAsync: types.isAsyncFunction(handler),
    handler: window?.kind === 'session' ? inSession(kind, window, handler as TurnHandler) : (handler as TurnHandler),
    ways: waysInto(from),
  }))
  const close = onClose as (state: never, turn: never) => unknown
  const ofClosing: TurnSource = {
    ...own,
    id: closeId,
    caution: new Caution(),
    room: new Room(),
    meter: new TurnMeter(),
    dueBy: 'event',
    isTimer: true,
    isAsync: types.isAsyncFunction(onClose),
    handler: window?.kind === 'session' ? closingSessions(window, close) : (state, _value, turn) => close(state, turn),
    ways,
  }
  return new Map([...ofInputs, ...ofTimers, ofClosing].map((source) => [source.id, source]))
}

/** What handlers see of a record that the source has carried. */
export function carriedInfo(source: TurnSource, record: CarriedRecord): RecordInfo {
  return new CarriedInfo(record, keysOf(source, record.topic))
}

/** How the keys of a topic are read that the source reads. */
export function keysOf({ ways }: TurnSource, topic: string): KeyFormat {
  return ways.get(topic)?.[0]?.topic.keys ?? textKeys
}

function waysInto(from: StreamNode): ReadonlyMap<string, readonly Way[]> {
  const ways = new Map<string, Way[]>()
  for (const path of paths(from)) {
    const others = ways.get(path.topic.name) ?? []
    ways.set(path.topic.name, [...others, new Way(path)])
  }
  return ways
}

/** Refused when the program has changed since, and no longer has it. */
export function wayOf({ id, kind, ways }: TurnSource, topic: string, way: number): Way {
  const found = ways.get(topic)?.[way]
  if (found !== undefined) return found
  throw new RecordRefused(
    'DEFINITION_INVALID',
    `input '${id}' of state object '${kind.name}' no longer reads ${topic} as it did when this record came`,
    { topic, kind: kind.name },
  )
}

/**
 * The value of a turn that has waited, made anew; a timer's is its payload. Throws what its codec and its steps throw, and what
 * `wayOf` does.
 */
export function valueOf(source: TurnSource, { record, way, element }: CarriedTurn, info: RecordInfo): unknown {
  if (!source.isTimer) {
    const found = wayOf(source, record.topic, way)
    return found.again(found.decode(record.value), info, element)
  }
  const { value } = record
  return value === null ? undefined : JSON.parse(utf8Text(asBuffer(value), 0, value.length))
}

/** What was kept is made the payload in the turn: an error of that is one of the turn. */
function revived(revive: (kept: unknown) => unknown, handler: TurnHandler): TurnHandler {
  return (state, kept, turn) => handler(state, revive(kept) as never, turn)
}

export const timerId = (name: string): string => `timer:${name}`
export const closeId = 'close'
