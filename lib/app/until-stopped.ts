import type { AnyStateObject } from '../model/state-object.js'
import type { Engine } from '../runtime/engine.js'
import type { Queries } from '../query/queries.js'
import type { ReadOptions } from '../query/read-options.js'
import type { RoutedState } from '../query/routed-state.js'

/**
 * Asks something of an engine. When it is stopped by an error meanwhile, that is what the answer rejects with: stores and logs that
 * are closed under a question only say that they are.
 */
export async function untilStopped<T>(engine: Engine, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (error) {
    throw causeIn(engine, error)
  }
}

/** The same of what is given one by one. */
export async function* eachUntilStopped<T>(engine: Engine, given: AsyncIterable<T>): AsyncIterable<T> {
  try {
    yield* given
  } catch (error) {
    throw causeIn(engine, error)
  }
}

const causeIn = ({ failure }: Engine, error: unknown): unknown => (failure === undefined ? error : failure.error)

/** Committed state of a kind, asked so. */
export function readerOf(
  engine: Engine,
  queries: Queries,
  kind: AnyStateObject,
  options?: ReadOptions,
): Pick<RoutedState, 'get' | 'read' | 'ask' | 'entries'> {
  const state = queries.state(kind, options)
  return {
    get: (key, read) => untilStopped(engine, () => state.get(key, read)),
    read: (key, read) => untilStopped(engine, () => state.read(key, read)),
    ask: (key, query, ...args) => untilStopped(engine, () => state.ask(key, query, ...args)),
    entries: (which) => eachUntilStopped(engine, state.entries(which)),
  }
}
