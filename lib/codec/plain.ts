/** A value in what JSON has a form for, to be read by people and by programs in any language: a bigint as text, a Date as in ISO 8601, a Map as a list of pairs. */
export function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return String(value)
  // Left out as JSON leaves them out; a `toJSON` would be called.
  if (typeof value === 'function' || typeof value === 'symbol') return undefined
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value)
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof Date) return Number.isFinite(value.getTime()) ? value.toISOString() : String(value)
  if (ArrayBuffer.isView(value)) {
    const { buffer, byteOffset, byteLength } = value
    return { base64: Buffer.from(buffer, byteOffset, byteLength).toString('base64') }
  }
  if (value instanceof Map) return [...value].map(([key, each]) => [plain(key), plain(each)])
  if (value instanceof Set) return [...value].map(plain)
  if (Array.isArray(value)) return value.map(plain)
  // Own keys one by one: `__proto__` is one like others.
  const copy = Object.create(null) as Record<string, unknown>
  for (const key of Object.keys(value)) copy[key] = plain((value as Record<string, unknown>)[key])
  return copy
}
