import { types } from 'node:util'
import { asBuffer } from '../../core/bytes.js'
import { kindOf } from '../../core/record-checks.js'
import { invalid, type Form } from './connect-schema.js'

/** A value in messages. */
export function shownValue(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 40))
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : kindOf(value)
}

export const booleans: Form = {
  type: { type: 'boolean' },
  write(value) {
    if (typeof value !== 'boolean') throw invalid(`${shownValue(value)} is no boolean`)
    return value ? 'true' : 'false'
  },
  read(raw) {
    if (typeof raw !== 'boolean') throw invalid(`${shownValue(raw)} is no boolean`)
    return raw
  },
}

export const strings: Form = { type: { type: 'string' }, write: stringText, read: demandString }

export function stringText(value: unknown): string {
  if (typeof value !== 'string') throw invalid(`${shownValue(value)} is no text`)
  // Java would write a question mark in the place of it.
  if (!value.isWellFormed()) throw invalid('text with half a surrogate pair, which has no UTF-8 form')
  return JSON.stringify(value)
}

export function demandString(raw: unknown): string {
  if (typeof raw !== 'string') throw invalid(`${shownValue(raw)} is no text`)
  return raw
}

export const int32s: Form = {
  type: { type: 'int32' },
  write: (value) => String(int32(value)),
  read: int32,
}

function int32(value: unknown): number {
  if (value !== ((value as number) | 0)) throw invalid(`${shownValue(value)} is no whole number from −2^31 to 2^31 − 1`)
  // Not −0.
  return value | 0
}

/** As numbers: those that are not exact are refused. */
export const int64s: Form = {
  type: { type: 'int64' },
  write: (value) => String(safeInteger(value)),
  read: safeInteger,
}

export function safeInteger(value: unknown): number {
  if (Number.isSafeInteger(value)) return (value as number) + 0
  if (typeof value === 'bigint') throw invalid(`${value} is not exact as a number; z.bigint() reads and writes it`)
  throw invalid(`${shownValue(value)} is no whole number from −(2^53 − 1) to 2^53 − 1`)
}

/** As bigints: all that have 64 bits. */
export const bigints: Form = {
  type: { type: 'int64' },
  write(value) {
    if (typeof value !== 'bigint' || BigInt.asIntN(64, value) !== value)
      throw invalid(`${typeof value === 'bigint' ? value : shownValue(value)} is no bigint from −2^63 to 2^63 − 1`)
    return String(value)
  },
  read(raw) {
    if (typeof raw === 'bigint' && BigInt.asIntN(64, raw) === raw) return raw
    return BigInt(safeInteger(raw))
  },
}

export const doubles: Form = { type: { type: 'double' }, write: doubleText, read: double }

/** What a float cannot hold is refused; what it would round is written with all its digits. */
export const floats: Form = {
  type: { type: 'float' },
  write(value) {
    if (typeof value === 'number' && Number.isFinite(value) && !Number.isFinite(Math.fround(value)))
      throw invalid(`${value} is too large for 32 bits`)
    return doubleText(value)
  },
  read: double,
}

function doubleText(value: unknown): string {
  if (typeof value !== 'number' || !Number.isFinite(value)) throw invalid(`${shownValue(value)} is no finite number`)
  return value === 0 && 1 / value < 0 ? '-0.0' : String(value)
}

function double(raw: unknown): number {
  const value = typeof raw === 'bigint' ? Number(raw) : raw
  if (typeof value !== 'number' || !Number.isFinite(value)) throw invalid(`${shownValue(raw)} is no finite number`)
  return value
}

/** `as` makes what is read: a `Uint8Array`, or a `Buffer`. */
export const bytesForm = (as: (bytes: Buffer) => Uint8Array): Form => ({
  type: { type: 'bytes' },
  write(value) {
    if (!types.isUint8Array(value)) throw invalid(`${shownValue(value)} is no Uint8Array`)
    return `"${asBuffer(value).toString('base64')}"`
  },
  read: (raw) => as(bytesOf(raw)),
})

export function bytesOf(raw: unknown): Buffer {
  const bytes = Buffer.from(demandString(raw), 'base64')
  if (bytes.toString('base64') !== raw) throw invalid(`${shownValue(raw)} is no base64, as bytes are written`)
  return bytes
}
