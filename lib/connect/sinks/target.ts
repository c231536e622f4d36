import { MillraceError } from '../../core/errors.js'
import { kindOf } from '../../core/record-checks.js'
import type { SinkBatch, TwoPhase } from '../sink.js'

/** What a connector has opened, once it is seen to be something. */
export interface Target {
  /** As it was given: undefined, or to be checked. */
  readonly offset: unknown
  readonly write: ((batch: SinkBatch) => unknown) | undefined
  readonly twoPhase: TwoPhase | undefined
  readonly close: () => unknown
}

type Callable = (...given: unknown[]) => unknown
interface Given {
  readonly offset?: unknown
  readonly write?: Callable
  readonly twoPhase?: TwoPhase | null
  readonly close?: Callable
}

/** Throws `CONNECTOR_INVALID` for what is no `SinkPartition`. */
export function targetOf(opened: unknown, where: string): Target {
  const complain = (what: string): never => {
    throw new MillraceError('CONNECTOR_INVALID', `${where}: open gave ${what}`)
  }
  if (typeof opened !== 'object' || opened === null) return complain(`${kindOf(opened)}; give { write } at least`)
  const { offset, write, twoPhase, close } = opened as Given
  if (close !== undefined && typeof close !== 'function')
    return complain(`a close that is ${kindOf(close)}; give a function`)
  const closing = (): unknown => (close === undefined ? undefined : close.call(opened))
  if (twoPhase === undefined || twoPhase === null) {
    if (typeof write !== 'function') return complain(`a write that is ${kindOf(write)}; give a function`)
    return { offset, write: (batch) => write.call(opened, batch), twoPhase: undefined, close: closing }
  }
  if (write !== undefined) return complain('both write and twoPhase; give one of them')
  if (offset !== undefined) return complain('both twoPhase and an offset; the offsets of such a target are in Kafka')
  for (const name of ['prepare', 'commit', 'abort', 'pending'] as const)
    if (typeof twoPhase[name] !== 'function')
      return complain(`a twoPhase.${name} that is ${kindOf(twoPhase[name])}; give a function`)
  return { offset: undefined, write: undefined, twoPhase, close: closing }
}

/** Of a batch of a target that commits in two phases; none of the names has a `~`. */
export const idsBegin = (app: string, sink: string, topic: string, partition: number): string =>
  `${app}~${sink}~${topic}~${partition}~`

/** Which ids of those that `pending` gave are of batches of this partition. Throws `CONNECTOR_INVALID` for what is no list of text. */
export function ownIds(pending: unknown, begin: string, where: string): readonly string[] {
  if (!Array.isArray(pending) || !pending.every((id) => typeof id === 'string'))
    throw new MillraceError(
      'CONNECTOR_INVALID',
      `${where}: pending gave ${Array.isArray(pending) ? 'a list with something else than text' : kindOf(pending)}; give a list of ids`,
    )
  return pending.filter((id: string) => id.startsWith(begin) && /^\d+~\d+$/.test(id.slice(begin.length)))
}

/** Which records can never be written, where the target has said so; undefined for any other error. Also of another copy of this library. */
export function refusedIn(error: unknown): ReadonlyMap<number, unknown> | undefined {
  try {
    const { name, records } = (error ?? {}) as { name?: unknown; records?: unknown }
    return name === 'SinkRefused' && Object.prototype.toString.call(records) === '[object Map]'
      ? (records as ReadonlyMap<number, unknown>)
      : undefined
  } catch {
    return undefined
  }
}
