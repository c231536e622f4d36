import type { Json } from '../../connect/json.js'

export type JsonObject = { readonly [name: string]: Json }

/** As far as it goes without looking into it. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Something JSON can hold. */
export function hasJson(value: unknown): boolean {
  if (!isJsonObject(value)) return false
  try {
    JSON.stringify(value)
    return true
  } catch {
    return false
  }
}
