import { MillraceError } from '../../core/errors.js'
import { callback, checkOptions, object, required, text, type Rules } from '../../core/options.js'
import { checkFilter, type EditableLetter, type EditedLetter, type LeftLetter, type LetterFilter } from './letters.js'

/** Which letters of an app are sent back, and how. */
export interface ReplaySelection {
  /**
   * Only these, and those before them of the same objects: letters of one object are replayed from the oldest on. Then all that are
   * in the topic are looked at. When there is none of them, that is logged as a warning. @default all that have come since the last replay
   */
  readonly only?: LetterFilter
  /** These are not run: when their turn comes, their objects go on as if they had been skipped. `reason` is logged. */
  readonly drop?: LetterFilter & { readonly reason: string }
  /**
   * Called for each letter that is to be sent: what it gives takes the place of the record; nothing leaves it as it is. A
   * record that never had a turn, since it could not be read, goes to its topic again once it is edited. When it throws the replay ends
   * with an error that names the letter; those before it in the same answer of the brokers have not been sent either.
   */
  readonly edit?: (letter: EditableLetter) => EditedLetter | undefined | Promise<EditedLetter | undefined>
}

/** What a replay has done. */
export interface ReplayReport {
  /** Dead letters on their way back to their objects. Of one that had its turn before nothing comes of it. */
  readonly replayed: number
  /** Objects they belong to. */
  readonly objects: number
  /** Letters on their way to their objects to be dropped, and those without an object that were dropped. */
  readonly dropped: number
  /** Records that went to their topics again, edited. */
  readonly resent: number
  /** The first thousand of the letters that stay where they are, and why. */
  readonly left: readonly LeftLetter[]
  /** How many these are in all. */
  readonly leftInAll: number
}

export const selection: Rules<ReplaySelection> = {
  only: object('{ kind, key, code, topic, from, to, letter }, or {} for all'),
  drop: object('{ reason } and which: { kind, key, code, topic, from, to, letter }'),
  edit: callback('a function that gives { key, value, headers }, or nothing'),
}
/** Throws `OPTIONS_INVALID`. */
export function checkSelection(where: string, { only, drop }: ReplaySelection): void {
  if (only !== undefined) checkFilter(`${where}: only`, only)
  if (drop === undefined) return
  const { reason, ...which } = drop
  checkOptions(`${where}: drop`, { reason }, { reason: required(text) })
  checkFilter(`${where}: drop`, which)
  if (Object.values(which).every((value) => value === undefined))
    throw new MillraceError(
      'OPTIONS_INVALID',
      `${where}: drop says a reason and not which letters; give a kind, key, code, topic, time or letter too.`,
    )
}
