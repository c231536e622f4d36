import type { Window } from './program.js'
import type { Click, Schedule } from './schedules.js'

/** What came out, and letters of records that came too late, each as a sentence; what is left are other letters. */
export interface Outcome {
  readonly out: readonly string[]
  readonly late: readonly string[]
  readonly left: readonly string[]
}

/** A dead letter; `header` gives one of Millrace's, without its prefix. */
export interface FoundLetter {
  readonly value: string
  readonly header: (name: string) => string | undefined
}

/** As it was read from the topics, without what only moved time. */
export interface Found {
  readonly windows: readonly Window[]
  readonly lateIn: readonly { readonly key: string; readonly id: number }[]
  /** Other letters that are not of turns. */
  readonly left: readonly string[]
}

export function found(windows: readonly Window[], letters: readonly FoundLetter[]): Found {
  // Those that were turns have a number, and have been replayed.
  const rest = letters.filter(({ header }) => header('letter') === undefined)
  const isLate = ({ header }: FoundLetter): boolean => header('error.code') === 'RECORD_LATE'
  return {
    windows: windows.filter(({ user }) => user.startsWith('u')),
    lateIn: rest
      .filter(isLate)
      .map(({ value, header }) => ({ key: header('key') ?? '', id: (JSON.parse(value) as Click).id })),
    left: rest
      .filter((each) => !isLate(each))
      .map(({ header }) => `${header('error.code')} ${header('error.message')}`),
  }
}

export function outcome({ windows, lateIn, left }: Found, shown: (window: Window) => string): Outcome {
  return { out: windows.map(shown).sort(), late: lateIn.map(({ key, id }) => `${key}: ${id}`).sort(), left }
}

export const shownBy =
  ({ through }: Schedule) =>
  ({ user, start, end, ids }: Window): string =>
    `${user} ${start}-${end} ${(through === 'any' ? [...ids].sort((a, b) => a - b) : ids).join()}`
