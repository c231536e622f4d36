import type { Clock } from '../core/clock.js'
import { stackWithCauses } from '../core/error-fields.js'
import { cutText, MillraceError, reasonOf } from '../core/errors.js'
import { noHeaders, surrounded, type OwnHeaders } from './format/header-section.js'
import type { HeaderSection } from './format/record-headers.js'

/**
 * Headers of a dead letter that are ours begin with this. They come last, so that whoever asks for the last of a name finds
 * ours, and the very last says how many they are: what stands before them is the record's own, whatever its names.
 */
export const ownPrefix = 'millrace.'
export const countName = `${ownPrefix}headers`
/** Left out first where a letter is too large for its topic. */
const stackName = `${ownPrefix}error.stack`
export const incompleteName = `${ownPrefix}incomplete`

/** Characters of a message that a letter carries. */
const longestMessage = 4_096
/** Characters of the stacks of an error and its causes. */
const longestStack = 8_192
/** Bytes of a header of ours in a letter that must be small: only keys of objects can have more. */
const longestOwn = 4 * longestMessage

/** Whose letter it is. */
export interface LetterSender {
  readonly app: string
  /** As the app calls itself: `version` of its options. */
  readonly version: string | undefined
  readonly clock: Pick<Clock, 'now'>
}

export interface LetterContent {
  readonly key: string | Uint8Array | null
  readonly value: string | Uint8Array | null
  readonly headers: HeaderSection
}

export const own = (name: string, value: string | number): readonly [string, Uint8Array] => [
  ownPrefix + name,
  Buffer.from(String(value)),
]

/** Ours behind those of the record, and how many they are. */
export function counted(headers: HeaderSection, ours: OwnHeaders): HeaderSection {
  return surrounded([], headers, [...ours, [countName, Buffer.from(String(ours.length + 1))]])
}

/** Whose it is, and what it failed with. */
export function errorHeaders({ app, version, clock }: LetterSender, error: unknown): OwnHeaders {
  const stack = stackOf(error)
  return [
    own('app', app),
    ...(version === undefined ? [] : [own('app.version', version)]),
    // The letter itself has the timestamp of its record.
    own('written', clock.now()),
    own('error.code', MillraceError.is(error) ? error.code : 'VALUE_INVALID'),
    own('error.message', cutText(reasonOf(error), longestMessage)),
    ...(stack === undefined ? [] : [own('error.stack', stack)]),
  ]
}

/** Of what was thrown, with its causes; that of our own error beside it would say nothing. */
function stackOf(error: unknown): string | undefined {
  const thrown = MillraceError.is(error) ? error.cause : error
  return thrown === undefined ? undefined : stackWithCauses(thrown, longestStack)
}

/**
 * A record with our headers, as its topic takes it: without the stack where that is too much, and where it still is, only where the
 * record is (`place`), and why. `misfit` says why it cannot be sent.
 */
export function fittingLetter(
  record: LetterContent,
  ours: OwnHeaders,
  place: string,
  misfit: (content: LetterContent) => string | undefined,
): LetterContent {
  const letter = { ...record, headers: counted(record.headers, ours) }
  const why = misfit(letter)
  if (why === undefined) return letter
  const withoutStack = ours.filter(([name]) => name !== stackName)
  if (withoutStack.length < ours.length) return fittingLetter(record, withoutStack, place, misfit)
  const small = ours.filter(([, { length }]) => length <= longestOwn)
  const headers = counted(noHeaders, [...small, own('incomplete', `the record ${why}: read it where it came from`)])
  return { key: place, value: null, headers }
}
