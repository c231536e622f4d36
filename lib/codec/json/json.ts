import { asBuffer } from '../../core/bytes.js'
import { MillraceError } from '../../core/errors.js'
import { checkOptions, flag, oneOf, shown, type Rules } from '../../core/options.js'
import type { Codec } from '../codec.js'
import { own } from '../guarded.js'
import { isSchema, schemaRule, type OutputOf, type Schema } from '../schema.js'
import { textIn } from './json-text.js'
import { JsonValues } from './json-values.js'

/** How JSON is read and written. */
export interface JsonOptions {
  /**
   * What whole numbers beyond ±(2^53 − 1) are. `number`: they are refused, because they would be rounded. `bigint`: they are
   * read as bigints and written as whole numbers, and so is every whole number where a schema of zod says `z.bigint()`; a
   * schema of another library must take both. @default 'number'
   */
  readonly integers?: 'number' | 'bigint'
  /** Whether what is written is checked by the schema, as what is read is. @default true */
  readonly checked?: boolean
}

const jsonOptions: Rules<JsonOptions> = { integers: oneOf('number', 'bigint'), checked: flag }

/**
 * JSON, checked by a schema when read and when written. Codecs in a schema of zod (`z.codec`, `z.stringbool`) are used both
 * ways. Throws `DEFINITION_INVALID` for a schema of zod whose values JSON cannot hold, such as `z.map()`; `encode` and
 * `decode` throw `VALUE_INVALID`, naming the place.
 */
export function json<S extends Schema>(schema: S, options: JsonOptions = {}): Codec<OutputOf<S>> {
  if (!isSchema(schema))
    throw new MillraceError('DEFINITION_INVALID', `json: ${shown(schema)} is no schema; give ${schemaRule.give}`)
  checkOptions('json', options, jsonOptions)
  return jsonAt(schema, 'value', options) as Codec<OutputOf<S>>
}

interface Settings {
  readonly schema: Schema
  readonly options: JsonOptions
}

/** Of the codecs made here. */
const settings = new WeakMap<object, Settings>()

/** `root` is what paths in messages about the schema begin with. */
export function jsonAt(schema: Schema, root: string, options: JsonOptions): Codec<unknown> {
  const { checked = true } = options
  const values = new JsonValues(schema, root, { bigints: options.integers === 'bigint', writes: false })
  const codec: Codec<unknown> = own({
    format: 'json',
    encode: checked ? (value: unknown) => values.checked(value) : (value: unknown) => values.unchecked(value),
    decode: (bytes: Uint8Array) => values.readRange(asBuffer(bytes), 0, bytes.length),
    decodeRange: (bytes: Buffer, start: number, end: number) => values.readRange(bytes, start, end),
    decodeText: (text: string) => values.read(text),
    decodeRaw: (bytes: Uint8Array) => values.raw(textIn(bytes)),
  })
  settings.set(codec, { schema, options })
  return codec
}

/** State as JSON: what its turn has checked is not checked again when it is written. */
export interface JsonState {
  readonly codec: Codec<unknown>
  /** Throws `VALUE_INVALID` when a state does not fit the schema, and `STATE_INVALID` when it would not come back as it is. */
  readonly check: (state: unknown) => void
  /** The state of what `decodeRaw` gives, as the schema lets it through; throws `VALUE_INVALID`. */
  readonly admit: (raw: unknown) => unknown
}

/** `fits`: `check` is called before `encode`. Throws `DEFINITION_INVALID`, also for a schema that can only be read. */
export function jsonState(schema: Schema, fits: boolean, options: JsonOptions = {}): JsonState {
  const values = new JsonValues(schema, 'state', { bigints: options.integers === 'bigint', writes: true, fits })
  const codec: Codec<unknown> = own({
    format: 'json',
    encode: (state: unknown) => values.stored(state),
    decode: (bytes: Uint8Array) => values.readOwn(textIn(bytes)),
    decodeText: (text: string) => values.readOwn(text),
    decodeRaw: (bytes: Uint8Array) => values.rawOwn(textIn(bytes)),
  })
  return { codec, check: (state) => values.demandStorable(state), admit: (raw) => values.admit(raw) }
}

/** The same for a codec that `json` has made; undefined for others. */
export function jsonStateOf(codec: object, fits: boolean): (JsonState & Settings) | undefined {
  const known = settings.get(codec)
  return known && { ...jsonState(known.schema, fits, known.options), ...known }
}
