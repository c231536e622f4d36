import { MillraceError } from '../../core/errors.js'
import { holdsOptions } from '../../core/options.js'
import { kindOf } from '../../core/record-checks.js'
import type { Row } from '../kept/row.js'
import { timersOf, type TimerName } from '../kept/timers.js'

/** UTF-16 code units. */
const longestId = 256
/** They stand in one row with each other, which is written anew when one of them changes. */
const mostWithIds = 1_000

/**
 * The id in the options of `turn.timer` and `turn.cancel`; undefined when there is none. Throws `VALUE_INVALID` for what is no
 * id, `OPTIONS_INVALID` for what are no options.
 */
export function timerIdOf(options: unknown, where: string, key: string): string | undefined {
  if (options === undefined) return undefined
  if (!holdsOptions(options))
    throw new MillraceError('OPTIONS_INVALID', `${where}: the options are ${kindOf(options)}; give { id }`, { key })
  for (const name in options) {
    if (name === 'id') continue
    throw new MillraceError('OPTIONS_INVALID', `${where}: there is no option '${name}'; there is id`, { key })
  }
  // An id that somebody has forgotten to fill in must not become the timer without one: all of them would be that one.
  if (!('id' in options)) return undefined
  const { id } = options
  if (typeof id === 'string' && id !== '' && id.length <= longestId && id.isWellFormed()) return id
  const what = `the id is ${faultOf(id)}; give well-formed text of 1 to ${longestId} characters`
  const without = id === undefined ? ', or no options for the timer without an id' : ''
  throw new MillraceError('VALUE_INVALID', `${where}: ${what}${without}`, { key })
}

function faultOf(id: unknown): string {
  if (typeof id !== 'string') return kindOf(id)
  if (id === '') return 'empty'
  return id.length > longestId
    ? `${id.length} characters long, more than ${longestId}`
    : 'text with half a surrogate pair'
}

/** Timers with ids of one object, as its turn goes on. */
export class TimerIds {
  readonly #names: Set<string>

  constructor(row: Row | undefined) {
    const all = row === undefined ? [] : timersOf(row)
    this.#names = new Set(all.flatMap(([timer]) => (timer.id === undefined ? [] : [nameOf(timer)])))
  }

  /** Throws `VALUE_INVALID` when there are too many. */
  add(timer: TimerName, where: string, key: string): void {
    this.#names.add(nameOf(timer))
    if (this.#names.size <= mostWithIds) return
    const what = `an object has at most ${mostWithIds} timers with ids: make what they are for objects of their own`
    throw new MillraceError('VALUE_INVALID', `${where}: ${what}`, { key })
  }

  delete(timer: TimerName): void {
    this.#names.delete(nameOf(timer))
  }
}

const nameOf = ({ name, id }: TimerName): string => `${name.length}:${name}${id}`
