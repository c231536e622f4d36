/** Columns side by side, two spaces between them; those of numbers to the right. */
export function table(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const texts = [head, ...rows].map((row) => row.map((cell) => plainText(String(cell ?? '-'))))
  const widths = head.map((_, column) => Math.max(...texts.map((row) => row[column]?.length ?? 0)))
  const areNumeric = head.map((_, column) => isNumeric(rows.map((row) => row[column])))
  return texts
    .map((row) => {
      const cells = row.map((text, column) => pad(text, widths[column] as number, areNumeric[column] === true))
      return cells.join('  ').trimEnd()
    })
    .join('\n')
}

/** `1 object`, `2 objects`. */
export const counted = (count: number, thing: string): string => `${count} ${thing}${count === 1 ? '' : 's'}`

/** Undefined: nothing is known. */
export type Cell = string | number | bigint | undefined

const isNumeric = (cells: readonly Cell[]): boolean =>
  cells.every((cell) => typeof cell !== 'string') && cells.some((cell) => cell !== undefined)

const pad = (text: string, width: number, toTheRight: boolean): string =>
  toTheRight ? text.padStart(width) : text.padEnd(width)

/** Keys and errors come from outside: what would steer a terminal is shown as what it is, on one line. */
export function plainText(text: string): string {
  // oxlint-disable-next-line no-control-regex
  return text.toWellFormed().replace(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, (char) => {
    const short = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }[char]
    return short ?? `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
}
