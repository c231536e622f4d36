import type { Codec } from '../../codec/codec.js'
import { defaultErrorPolicy } from '../../model/inputs.js'
import { initialState } from '../../model/initial-state.js'
import type { ErrorPolicy, KindDefinition } from '../../model/kind.js'
import { paths } from '../../model/paths.js'
import { closingSessions, inSession, type TurnHandler } from '../windows/sessions.js'

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
  /** Reads values that were kept in their original form, by source topic. */
  readonly codecs: ReadonlyMap<string, Codec<unknown>>
  readonly isTimer: boolean
  /** A handler of it has returned a promise: from then on each turn begins with a copy of the state. */
  isAsync: boolean
}

const timeoutMs = 30_000

/** All sources of a kind, by id. */
export function turnSources(kind: KindDefinition, kindIndex: number): ReadonlyMap<string, TurnSource> {
  const { window, timers, inputs, onClose = (): undefined => undefined } = kind
  const init = window?.kind === 'session' ? () => [] : (key: string) => initialState(kind, key)
  const own = { kind, kindIndex, onError: defaultErrorPolicy, timeoutMs, init, isTimer: false, isAsync: false }
  const codecs = new Map<string, Codec<unknown>>()
  const ofTimers = [...timers.values()].map(({ name, handler }): TurnSource => ({
    ...own,
    id: timerId(name),
    isTimer: true,
    handler: (handler ?? (() => undefined)) as TurnHandler,
    codecs,
  }))
  const ofInputs = inputs.map(({ id, from, onError, turnTimeoutMs, handler }): TurnSource => ({
    ...own,
    id,
    onError,
    timeoutMs: turnTimeoutMs,
    handler: window?.kind === 'session' ? inSession(kind, window, handler as TurnHandler) : (handler as TurnHandler),
    codecs: new Map(paths(from).map(({ topic }) => [topic.name, topic.codec])),
  }))
  const close = onClose as (state: never, turn: never) => unknown
  const ofClosing: TurnSource = {
    ...own,
    id: closeId,
    isTimer: true,
    handler: window?.kind === 'session' ? closingSessions(window, close) : (state, _value, turn) => close(state, turn),
    codecs,
  }
  return new Map([...ofInputs, ...ofTimers, ofClosing].map((source) => [source.id, source]))
}

export const timerId = (name: string): string => `timer:${name}`
export const closeId = 'close'
