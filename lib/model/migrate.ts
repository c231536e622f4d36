import { MillraceError, reasonOf } from '../core/errors.js'
import { forget, isThenable } from '../core/record-checks.js'
import type { KindDefinition } from './kind.js'

/**
 * State that version `from` of a kind has written, as this version has it: all steps since, one after the other, and then
 * the schema. Throws `STATE_UNREADABLE` naming the step that failed.
 */
export function migrated(kind: KindDefinition, key: string, raw: unknown, from: number): unknown {
  const { version, migrations, validate } = kind
  let state = raw
  for (let at = from; at < version; at++) {
    try {
      state = taken((migrations.get(at) as (old: unknown) => unknown)(state))
    } catch (cause) {
      throw refused(kind, key, from, `migrate(${at}, step) failed (${reasonOf(cause)}). Repair this step`, cause)
    }
  }
  try {
    return validate(state)
  } catch (cause) {
    const steps = from + 1 === version ? `migrate(${from}, step)` : `the steps from ${from} to ${version}`
    const what = `what ${steps} made of it does not fit the schema (${reasonOf(cause)}). Repair the last step, or the schema`
    throw refused(kind, key, from, what, cause)
  }
}

/** What a step has returned, when it can be a state. */
function taken(returned: unknown): unknown {
  if (returned === undefined) throw new TypeError('it returned nothing; return the state as the next version has it')
  if (!isThenable(returned)) return returned
  forget(returned)
  throw new TypeError('it returned a promise; state is loaded synchronously, so a step cannot wait for anything')
}

function refused({ name }: KindDefinition, key: string, from: number, what: string, cause: unknown): MillraceError {
  return new MillraceError(
    'STATE_UNREADABLE',
    `state object ${name} '${key}', stored by version ${from}: ${what} and start again: nothing was changed, the state is as it was stored.`,
    { kind: name, key, cause },
  )
}
