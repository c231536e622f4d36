import type { Codec } from '../codec/codec.js'
import { difference } from '../codec/difference.js'
import { guarded } from '../codec/guarded.js'
import { jsonState, jsonStateOf } from '../codec/json/json.js'
import { JsonValues } from '../codec/json/json-values.js'
import { validator, type Schema } from '../codec/schema.js'
import { MillraceError } from '../core/errors.js'
import type { KindDefinition, TimerDefinition } from './kind.js'

/** How the state of a kind is written, and what is asked of it after a turn. Throws `DEFINITION_INVALID`. */
export function storedState(
  schema: Schema,
  given: Codec<unknown> | undefined,
  checked: boolean,
): Pick<KindDefinition, 'codec' | 'check' | 'validate'> {
  const json = given === undefined ? { schema, ...jsonState(schema, checked) } : jsonStateOf(given, checked)
  if (json?.schema === schema)
    return { codec: json.codec, check: checked ? json.check : undefined, validate: json.admit }
  const codec = json?.codec ?? guarded(given as Codec<unknown>)
  const validate = validator(schema)
  return { codec, check: checked ? validate : undefined, validate }
}

/** How the payload of a timer is kept until it is due. Throws `DEFINITION_INVALID`. */
export function storedPayload(schema: Schema): Pick<TimerDefinition, 'keep' | 'revive'> {
  const values = new JsonValues(schema, 'payload', { bigints: false, writes: true, mayBeUndefined: true })
  const { way, isPlain } = values.facts
  const isRaw = isPlain || way === 'unknown'
  // Null stands for undefined where it can stand for nothing else.
  const isNullUndefined = !passes(values.validate, null) && passes(values.validate, undefined)
  const revive = (kept: unknown): unknown => {
    if (kept === null && isNullUndefined) return undefined
    return isRaw ? kept : values.admit(kept)
  }
  return {
    revive,
    keep(payload) {
      if (isRaw) values.validate(payload)
      if (payload === undefined && isNullUndefined) return 'null'
      const text = values.unchecked(payload)
      const different = difference(payload, revive(JSON.parse(text)))
      if (different === undefined) return text
      throw new MillraceError('VALUE_INVALID', different)
    },
  }
}

function passes(validate: (value: unknown) => unknown, value: unknown): boolean {
  try {
    validate(value)
    return true
  } catch {
    return false
  }
}
