import type { Schema } from '../schema.js'
import { asZod, type ZodSchema } from '../zod-def.js'

/** Makes bigints of numbers where a schema of zod asks for them; a copy where it does. Gives back what it cannot use. */
export type Widen = (value: unknown) => unknown

const same: Widen = (value) => value

/** JSON does not say which whole numbers are bigints: small ones are read as numbers, and the schema tells. */
export function bigintPlaces(schema: Schema): Widen {
  const zod = asZod(schema)
  return zod === undefined ? same : widenAt(zod, new Map())
}

/** Undefined while a schema that contains itself is being looked into: asked again when a value comes. */
type Known = Map<ZodSchema, Widen | undefined>

function widenAt(schema: ZodSchema, known: Known): Widen {
  if (known.has(schema)) return known.get(schema) ?? ((value) => (known.get(schema) as Widen)(value))
  known.set(schema, undefined)
  const widen = widenBy(schema, known)
  known.set(schema, widen)
  return widen
}

function widenBy({ _zod }: ZodSchema, known: Known): Widen {
  const { def } = _zod
  const within = (part: ZodSchema | null | undefined): Widen => (part ? widenAt(part, known) : same)
  switch (def.type) {
    case 'bigint':
      return toBigint
    case 'literal':
      return (value) => ((def.values ?? []).includes(toBigint(value)) ? toBigint(value) : value)
    case 'object': {
      const fields = new Map(Object.entries(def.shape ?? {}).map(([name, field]) => [name, within(field)]))
      const others = within(def.catchall)
      return (value) => mapFields(value, (name, field) => (fields.get(name) ?? others)(field))
    }
    case 'record': {
      const values = within(def.valueType)
      return (value) => mapFields(value, (_name, field) => values(field))
    }
    case 'array': {
      const items = within(def.element)
      return (value) => (Array.isArray(value) ? value.map(items) : value)
    }
    case 'tuple': {
      const items = (def.items ?? []).map(within)
      const rest = within(def.rest)
      return (value) => (Array.isArray(value) ? value.map((item, i) => (items[i] ?? rest)(item)) : value)
    }
    case 'union': {
      const options = (def.options ?? []).map((option) => [option, within(option)] as const)
      return (value) => {
        for (const [option, widen] of options) {
          const widened = widen(value)
          if (takes(option, widened)) return widened
        }
        return value
      }
    }
    case 'intersection': {
      const [left, right] = [within(def.left), within(def.right)]
      return (value) => right(left(value))
    }
    case 'lazy':
      return within(_zod.innerType)
    case 'pipe':
      return within(def.in)
    default:
      return within(def.innerType)
  }
}

const toBigint: Widen = (value) => (Number.isSafeInteger(value) ? BigInt(value as number) : value)

function mapFields(value: unknown, each: (name: string, field: unknown) => unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, each(name, field)]))
}

function takes({ _zod }: ZodSchema, value: unknown): boolean {
  const result = _zod.run({ value, issues: [] }, { async: false })
  return !(result instanceof Promise) && result.issues.length === 0
}
