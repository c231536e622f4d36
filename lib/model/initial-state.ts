import { MillraceError } from '../core/errors.js'
import { isThenable, kindOf } from '../core/record-checks.js'
import type { KindDefinition } from './kind.js'

/** So many of the first states of a kind are compared with the one before, and then one in so many. */
const firstCompared = 100
const comparedEvery = 1_000

/**
 * What makes the states of new objects or sessions of a kind. Throws where `init` gave no state, and `STATE_LEAKED` where it is
 * seen to give the same twice: these are errors of the turn.
 */
export function initializer({ name, init }: KindDefinition): (key: string) => unknown {
  let made = 0
  let last: unknown
  return (key) => {
    const state = init(key)
    if (state === undefined || isThenable(state))
      throw new TypeError(
        `init gave ${kindOf(state)}; it must give the state of a new object, and cannot wait for anything`,
      )
    if (made++ < firstCompared || made % comparedEvery === 0) demandOwn(state, last, name, key)
    last = state
    return state
  }
}

function demandOwn(state: unknown, last: unknown, kind: string, key: string): void {
  const before = partsOf(last)
  if (before.size === 0 || ![...partsOf(state)].some((part) => before.has(part))) return
  const what = `init gave an object or array that the object before it has too, so a change in one would be a change in both: make it inside of init`
  throw new MillraceError('STATE_LEAKED', what, { kind, key })
}

/**
 * However deep they are, and also of what contains itself: a turn may have made anything of the one before, also what does not
 * bear to be looked at.
 */
function partsOf(whole: unknown): ReadonlySet<object> {
  const parts = new Set<object>()
  const left = [whole]
  while (left.length > 0) {
    const part = left.pop()
    if (!isChangeable(part) || parts.has(part)) continue
    parts.add(part)
    for (const inner of innersOf(part)) left.push(inner)
  }
  return parts
}

function innersOf(part: object): readonly unknown[] {
  try {
    return Object.values(part)
  } catch {
    return []
  }
}

/** What nobody can change may be shared. */
function isChangeable(part: unknown): part is object {
  if (typeof part !== 'object' || part === null) return false
  try {
    return !Object.isFrozen(part)
  } catch {
    return false
  }
}
