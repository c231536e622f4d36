import { latin1Text } from '../../core/bytes.js'

/** A whole number in JSON that a JavaScript number does not hold; undefined when there is none. */
export function unsafeInteger(json: Buffer): string | undefined {
  const text = latin1Text(json, 0, json.length)
  if (!/\d{16}/.test(text)) return undefined
  // Strings are stepped over, so that digits in them are no numbers.
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/g))
    if (/^-?\d+$/.test(token) && !Number.isSafeInteger(Number(token))) return token.slice(0, 40)
  return undefined
}
