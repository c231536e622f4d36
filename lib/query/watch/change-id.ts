import { crc32c } from '../../core/crc32c.js'
import { MillraceError } from '../../core/errors.js'

/** Where a watch stands in the changelog of a kind: how far it is in partitions that follow each other, and when that was. */
export interface WatchPlace {
  readonly first: number
  /** Where to read on, of `first` and those behind it. */
  readonly offsets: readonly number[]
  /** Milliseconds since the epoch. */
  readonly at: number
}

const form = /^w1_([0-9a-z]{1,7})_([0-9a-z]{1,9})_([0-9a-z]{1,6})_([0-9a-z]{1,11}(?:\.[0-9a-z]{1,11})*)$/
const longest = 1 << 16

/** `topicId`: of the changelog: an id of another one is known by it. Letters, digits, `_` and `.`. */
export function changeId(topicId: string, { first, offsets, at }: WatchPlace): string {
  const places = offsets.map((offset) => offset.toString(36)).join('.')
  return `w1_${markOf(topicId)}_${at.toString(36)}_${first.toString(36)}_${places}`
}

/** Throws `TOKEN_INVALID`. */
export function readChangeId(topicId: string, id: unknown): WatchPlace {
  const [, mark, at = '', first = '', offsets = ''] =
    (typeof id === 'string' && id.length <= longest ? form.exec(id) : null) ?? []
  if (mark === undefined) throw invalid('it is no id of a change: give one as a watch or a read gave it, unchanged')
  if (mark !== markOf(topicId))
    throw invalid('it is of a watch of another kind, of another cluster, or of a changelog that was made anew since')
  return {
    first: parseInt(first, 36),
    offsets: offsets.split('.').map((text) => parseInt(text, 36)),
    at: parseInt(at, 36),
  }
}

const markOf = (topicId: string): string => {
  const bytes = Buffer.from(topicId)
  return (crc32c(bytes, 0, bytes.length) >>> 0).toString(36)
}

export const invalid = (why: string): MillraceError =>
  new MillraceError('TOKEN_INVALID', `the watch cannot go on: ${why}`)
