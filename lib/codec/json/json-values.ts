import { MillraceError, reasonOf } from '../../core/errors.js'
import { difference } from '../difference.js'
import { validator, type Schema } from '../schema.js'
import { asZod } from '../zod-def.js'
import { bigintPlaces, type Widen } from './bigint-places.js'
import { checkedText } from '../utf8.js'
import { exactNumbers } from './exact-numbers.js'
import { exactParse, mayHaveLargeIntegers, mayHaveLargeIntegersText, mayOverflow } from './exact-parse.js'
import { plain } from './json-form.js'
import { jsonSchema, type JsonSchema, type JsonUse } from './json-schema.js'
import { demandForm, inForm, isMade, parse, type FormCode } from './json-text.js'
import { wayBack } from './way-back.js'

/** The values of a schema, and JSON of them. */
export class JsonValues {
  readonly facts: JsonSchema
  /** As the schema lets it through; throws `VALUE_INVALID`. */
  readonly validate: (value: unknown) => unknown
  /** What is written of a value: what the schema's way back makes of it, where it has one. */
  readonly #back: ((value: unknown) => unknown) | undefined
  /** Of values that are known to fit the schema: whether `JSON.stringify` writes them. */
  readonly #exact: ((value: unknown) => boolean) | undefined
  readonly #bigints: boolean
  readonly #widen: Widen

  /** See `jsonSchema`. */
  constructor(schema: Schema, root: string, use: JsonUse) {
    this.facts = jsonSchema(schema, root, use)
    this.validate = validator(schema)
    const zod = asZod(schema)
    this.#back = zod !== undefined && this.facts.way === 'codec' ? wayBack(zod) : undefined
    this.#bigints = use.bigints
    this.#exact = use.fits === true && zod !== undefined ? exactNumbers(zod) : undefined
    this.#widen = use.bigints ? bigintPlaces(schema) : (value) => value
  }

  /** The value of a range of bytes; whole numbers that are not exact are refused. */
  readRange(bytes: Buffer, start: number, end: number): unknown {
    const text = checkedText(bytes, start, end)
    if (this.#bigints || mayHaveLargeIntegers(bytes, start, end) || (this.facts.isOpen && mayOverflow(text)))
      return this.admit(this.raw(text))
    return this.validate(parse(text))
  }

  read(text: string): unknown {
    return this.admit(this.raw(text))
  }

  /** The same of a text that this program has written: numbers in it are those that there were. */
  readOwn(text: string): unknown {
    return this.#bigints ? this.read(text) : this.validate(parse(text))
  }

  /** The value of what a text says. */
  admit(raw: unknown): unknown {
    return this.validate(this.#widen(raw))
  }

  /** What a text says, whatever the schema. */
  raw(text: string): unknown {
    const value = parse(text)
    if (!mayHaveLargeIntegersText(text) && !mayOverflow(text)) return value
    try {
      return exactParse(text, this.#bigints ? largeBigint : refuseLarge)
    } catch (cause) {
      throw MillraceError.is(cause) ? cause : new MillraceError('VALUE_INVALID', 'it is nested too deeply', { cause })
    }
  }

  rawOwn(text: string): unknown {
    return this.#bigints ? this.raw(text) : parse(text)
  }

  /** JSON of a value that fits the schema. Throws `VALUE_INVALID`. */
  checked(value: unknown): string {
    switch (this.facts.way) {
      case 'same':
        this.validate(value)
        return this.#readable(value)
      case 'codec':
        return this.#readable(this.#back?.(value))
      case 'one-way':
        return this.#surviving(value, 'VALUE_INVALID')
      case 'unknown':
        return this.#fits(value) ? this.#readable(value) : this.#survivingOrRefused(value)
    }
  }

  /** JSON of a value, which the schema may refuse. Throws `VALUE_INVALID` for what has no form. */
  unchecked(value: unknown): string {
    return this.#text(value, 'VALUE_INVALID')
  }

  /**
   * JSON of a value that nothing but instances of classes can have changed in. Throws `STATE_INVALID`. Where the schema says all
   * of what is in it, those are found by reading some again (`state/survival.ts`).
   */
  stored(value: unknown): string {
    if (this.#exact?.(value) === true) return inForm(value, plain, 'STATE_INVALID')
    const json = this.#back === undefined ? value : this.#back(value)
    const form = demandForm(json, this.#bigints, 'STATE_INVALID')
    if (form === plain) return inForm(json, form, 'STATE_INVALID')
    return isMade(form) ? this.#surviving(value, 'STATE_INVALID') : inForm(json, form, 'STATE_INVALID')
  }

  /** Throws when a state does not fit the schema, or would not come back as it is for what no schema tells. */
  demandStorable(value: unknown): void {
    const { way, isOpen } = this.facts
    if (way === 'one-way') return void this.#surviving(value, 'STATE_INVALID')
    if (way === 'unknown' && !this.#fits(value)) return void this.#survivingOrRefused(value)
    const json = this.#back === undefined ? value : this.#back(value)
    if (way === 'same') this.validate(value)
    if (isOpen && isMade(demandForm(json, this.#bigints, 'STATE_INVALID'))) this.#surviving(value, 'STATE_INVALID')
  }

  #text(value: unknown, code: FormCode): string {
    const json = this.#back === undefined ? value : this.#back(value)
    return inForm(json, demandForm(json, this.#bigints, code), code)
  }

  /** What instances of classes are written as must fit the schema too, since others read it. */
  #readable(json: unknown): string {
    const form = demandForm(json, this.#bigints, 'VALUE_INVALID')
    const text = inForm(json, form, 'VALUE_INVALID')
    if (isMade(form)) this.read(text)
    return text
  }

  #surviving(value: unknown, code: FormCode): string {
    const text = this.#text(value, code)
    const different = difference(value, this.#readAgain(text, code))
    if (different !== undefined) throw new MillraceError(code, different)
    return text
  }

  #readAgain(text: string, code: FormCode): unknown {
    try {
      return this.readOwn(text)
    } catch (cause) {
      throw new MillraceError(code, `it could not be read again (${reasonOf(cause)})`, { cause })
    }
  }

  #fits(value: unknown): boolean {
    try {
      this.validate(value)
      return true
    } catch (cause) {
      if (MillraceError.is(cause, 'VALUE_INVALID')) return false
      throw cause
    }
  }

  /** A schema that reads one thing and gives another refuses what it gave: then that is to survive being written. */
  #survivingOrRefused(value: unknown): string {
    try {
      return this.#surviving(value, 'VALUE_INVALID')
    } catch {
      this.validate(value)
      throw new MillraceError('VALUE_INVALID', 'the schema lets the value through at times, and at times refuses it')
    }
  }
}

function refuseLarge(literal: string, path: string): never {
  const at = path === '' ? '' : `${path.replace(/^\./, '')}: `
  const shown = literal.length <= 40 ? literal : `${literal.slice(0, 40)}…`
  const why = Number.isFinite(Number(literal))
    ? `is not exact as a number; read it with json(schema, { integers: 'bigint' }), or let its producer send it as text`
    : 'is too large for a number'
  throw new MillraceError('VALUE_INVALID', `${at}${shown} ${why}`)
}

function largeBigint(literal: string, path: string): unknown {
  const [whole = ''] = /^-?\d+(?=(\.0*)?$)/.exec(literal) ?? []
  return whole === '' ? refuseLarge(literal, path) : BigInt(whole)
}
