const yearMs = 31_556_952_000
const earliest = 20 * yearMs
const latest = 130 * yearMs

/** How many of a unit a millisecond has. */
const units = [
  ['seconds', 1 / 1000],
  ['microseconds', 1000],
  ['nanoseconds', 1_000_000],
] as const

/**
 * For the message about a time that cannot be right: the unit in which it would be one of these decades (1990 to 2100), as the end
 * of a sentence. Empty when there is none, or when it is milliseconds.
 */
export function unitHint(time: number): string {
  const unit = units.find(([, each]) => time / each >= earliest && time / each <= latest)
  if (unit === undefined) return ''
  const [name, each] = unit
  return ` It looks like ${name} (${new Date(time / each).toISOString()}); give milliseconds.`
}
