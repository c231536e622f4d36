import { latin1Text } from '../../core/bytes.js'

// Strings are stepped over, so that digits in them are no numbers; in loops that need no memory, however long they are.
const tokens = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.eE+-]*/gs
const isUnsafe = (token: string): boolean => /^-?\d+$/.test(token) && !Number.isSafeInteger(Number(token))

/** A whole number in JSON that a JavaScript number does not hold; undefined when there is none. */
export function unsafeInteger(json: Buffer): string | undefined {
  const text = latin1Text(json, 0, json.length)
  if (!/\d{16}/.test(text)) return undefined
  for (const [token] of text.matchAll(tokens)) if (isUnsafe(token)) return token.slice(0, 40)
  return undefined
}

/** The same JSON with those numbers as texts. */
export function unsafeAsText(json: Buffer): Buffer {
  const text = latin1Text(json, 0, json.length).replaceAll(tokens, (token) => (isUnsafe(token) ? `"${token}"` : token))
  return Buffer.from(text, 'latin1')
}
