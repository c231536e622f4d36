/**
 * JSON of a value that `JSON.stringify` would not write as it is: −0 as `-0`, bigints as whole numbers, and numbers beyond
 * 2^53 with an exponent. Such a number is one among several whole numbers that it may stand for, and readers that keep whole
 * numbers exact, this library's among them, would refuse it or take it for exact. For values whose form is not `none`.
 */
export function exactText(value: unknown): string {
  switch (typeof value) {
    case 'number':
      return Object.is(value, -0)
        ? '-0'
        : Math.abs(value) > Number.MAX_SAFE_INTEGER
          ? value.toExponential()
          : String(value)
    case 'bigint':
      return String(value)
    case 'object':
      return value === null ? 'null' : objectText(value)
    default:
      return JSON.stringify(value)
  }
}

function objectText(value: object): string {
  if (Array.isArray(value)) return `[${value.map(exactText).join(',')}]`
  const { toJSON } = value as { readonly toJSON?: unknown }
  if (typeof toJSON === 'function') return exactText(toJSON.call(value, ''))
  const fields = Object.entries(value).filter(([, field]) => field !== undefined)
  return `{${fields.map(([name, field]) => `${JSON.stringify(name)}:${exactText(field)}`).join(',')}}`
}
