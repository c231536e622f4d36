import { isObject, mayBe, type Form, type Slot } from './avro-form.js'

/** The branches of a slot as Avro lists them, null among them, and the default of a field there as its schema has it. */
export interface Listed {
  readonly order: readonly (Form | null)[]
  /** Undefined when there is none. */
  readonly json: unknown
}

/** The branch of the default comes first, because Avro reads a default as the first branch of its union. */
export function listed(slot: Slot): Listed {
  const order = [...(slot.nullable || slot.optional ? [null] : []), ...slot.forms]
  const fallback = settled(slot)
  if (fallback === undefined) return { order, json: slot.optional ? null : undefined }
  const { branch, json } = fallback
  return { order: [branch, ...order.filter((other) => other !== branch)], json }
}

interface Default {
  readonly branch: Form | null
  readonly json: unknown
}

/** A default that is computed, such as a random id, is none for a schema: it is asked for twice. */
function settled({ fallback, forms, nullable }: Slot): Default | undefined {
  if (fallback === undefined) return undefined
  const [first, second] = [fallback(), fallback()]
  if (first === null && nullable) return { branch: null, json: null }
  const branch = forms.find((form) => mayBe(form, first))
  if (branch === undefined) return undefined
  const json = jsonOf(branch, first)
  const same = json !== undefined && JSON.stringify(json) === JSON.stringify(jsonOf(branch, second))
  return same ? { branch, json } : undefined
}

/** A value in the JSON form that schemas have for defaults; undefined where there is no exact one. */
function jsonOf(form: Form, value: unknown): unknown {
  switch (form.kind) {
    case 'boolean':
    case 'string':
    case 'uuid':
    case 'enum':
    case 'int':
    case 'long':
      return value
    case 'float':
    case 'double':
      return Number.isFinite(value) ? value : undefined
    case 'bigint':
      return Number.isSafeInteger(Number(value)) ? Number(value) : undefined
    case 'bytes':
    case 'buffer':
      return Buffer.from(value as Uint8Array).toString('latin1')
    case 'array':
      return whole((value as readonly unknown[]).map((item) => jsonAt(form.held, item)))
    case 'map':
      return object(Object.entries(value as object).map(([key, held]) => [key, jsonAt(form.held, held)]))
    case 'record': {
      if (!isObject(value)) return undefined
      const present = [...form.fields].filter(([name]) => value[name] !== undefined)
      return object(present.map(([name, slot]) => [name, jsonAt(slot, value[name])]))
    }
    // Avro has a number here, which would be read as well; but a date as default is nearly always the time of the start.
    case 'date':
    case 'opaque':
      return undefined
  }
}

/** Inside a default too only the first branch of a union can be had. */
function jsonAt(slot: Slot, value: unknown): unknown {
  const [first] = listed(slot).order
  if (first === null) return value === null || value === undefined ? null : undefined
  return first !== undefined && mayBe(first, value) ? jsonOf(first, value) : undefined
}

const whole = (items: readonly unknown[]): unknown => (items.includes(undefined) ? undefined : items)

function object(entries: readonly (readonly [string, unknown])[]): unknown {
  return entries.some(([, json]) => json === undefined) ? undefined : Object.fromEntries(entries)
}
