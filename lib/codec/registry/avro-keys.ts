import { MillraceError } from '../../core/errors.js'
import { noForm, type Form, type Slot } from '../avro/avro-form.js'
import type { KeyText } from '../codec.js'

/** The text of one field, and back. */
interface FieldText {
  readonly text: (value: never) => string
  readonly value: (text: string) => unknown
  /** In a list it stands as JSON text; else as it is. */
  readonly isQuoted: boolean
}

const quoted = { text: (value: string) => value, value: (text: string) => text, isQuoted: true }
const bare = { text: String, isQuoted: false }
const number: FieldText = { ...bare, value: Number }
const hex: FieldText = {
  text: (value: Uint8Array) => Buffer.from(value).toString('hex'),
  value: (text) => Buffer.from(text, 'hex'),
  isQuoted: true,
}

const fieldTexts: { readonly [K in Form['kind']]?: FieldText } = {
  string: quoted,
  uuid: quoted,
  enum: quoted,
  boolean: { ...bare, value: (text) => text === 'true' },
  int: number,
  long: number,
  bigint: { ...bare, value: BigInt },
  date: { ...bare, text: (value: Date) => String(value.getTime()), value: (text) => new Date(Number(text)) },
  bytes: hex,
  buffer: hex,
}

/** Whether its text is any text, so that more may stand behind it. */
export const isAnyText = (root: Slot): boolean => {
  const [form] = root.forms
  if (form?.kind !== 'record') return form?.kind === 'string'
  const [field, ...more] = form.fields.values()
  return more.length === 0 && field?.forms[0]?.kind === 'string'
}

/**
 * Keys as user code sees them, the same as of `connectKey`: of a record with one field the text of that field; with several a JSON
 * list of them in the order of the schema: `["EU",1152921504606846977]`. Throws `DEFINITION_INVALID` for what is no key.
 */
export function keyTextOf(root: Slot): KeyText<unknown> {
  const [form, ...others] = root.forms
  if (form?.kind !== 'record' || others.length > 0 || root.nullable || root.optional) {
    const { text, value } = fieldTextAt(root)
    return { text: text as (key: unknown) => string, key: value }
  }
  const fields = [...form.fields].map(([name, slot]) => ({ name, ...fieldTextAt(slot) }))
  const [first, ...more] = fields
  if (first === undefined) throw noForm(root, 'a key without fields', 'give it one')
  const textAt = (key: unknown, { name, text }: (typeof fields)[number]): string =>
    text((key as Record<string, unknown>)[name] as never)
  if (more.length === 0)
    return { text: (key) => textAt(key, first), key: (text) => ({ [first.name]: first.value(text) }) }
  return {
    text: (key) =>
      `[${fields.map((field) => (field.isQuoted ? JSON.stringify(textAt(key, field)) : textAt(key, field))).join()}]`,
    // Who asks looks whether it has the same text again, so what is written otherwise is no key.
    key(text) {
      const parts = text.match(/"(?:[^"\\]|\\.)*"|[^",[\]\s]+/g) ?? []
      if (parts.length !== fields.length) throw new MillraceError('VALUE_INVALID', `it is no list of ${fields.length}`)
      const valueAt = (part: string, { isQuoted, value }: FieldText): unknown =>
        value(isQuoted ? String(JSON.parse(part)) : part)
      return Object.fromEntries(fields.map((field, i) => [field.name, valueAt(parts[i] as string, field)]))
    },
  }
}

function fieldTextAt(slot: Slot): FieldText {
  const [form, ...more] = slot.forms
  const found = form && fieldTexts[form.kind]
  if (found !== undefined && more.length === 0 && !slot.nullable && !slot.optional) return found
  const todo = 'make it one'
  throw noForm(slot, 'what is not one text, whole number, boolean, date or bytes, and always there, in a key', todo)
}
