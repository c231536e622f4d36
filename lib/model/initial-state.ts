import { isThenable, kindOf } from '../core/record-checks.js'
import type { KindDefinition } from './kind.js'

/** What a new object or session begins with. Throws where `init` gave no state: that is an error of the turn. */
export function initialState({ init }: KindDefinition, key: string): unknown {
  const state = init(key)
  if (state !== undefined && !isThenable(state)) return state
  throw new TypeError(
    `init gave ${kindOf(state)}; it must give the state of a new object, and cannot wait for anything`,
  )
}
