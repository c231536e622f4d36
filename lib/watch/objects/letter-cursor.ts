import { MillraceError } from '../../core/errors.js'

/** Where the next page of a topic begins: `0:17,1:4`, by partition the offset before which it is read. */
export function cursorText(positions: ReadonlyMap<number, number>): string {
  return [...positions].map(([partition, offset]) => `${partition}:${offset}`).join(',')
}

const longest = 100_000

/** Throws `REQUEST_INVALID` for what is none. */
export function positionsIn(text: string | undefined): ReadonlyMap<number, number> {
  if (text === undefined || text === '') return new Map()
  if (text.length > longest || !/^\d{1,9}:\d{1,15}(,\d{1,9}:\d{1,15})*$/.test(text))
    throw new MillraceError(
      'REQUEST_INVALID',
      `before: '${text.slice(0, 100)}' is no place to go on; give 'next' of the page before`,
    )
  const pairs = text.split(',').map((pair) => pair.split(':').map(Number) as [number, number])
  return new Map(pairs)
}
