import { asBuffer, isBytes } from '../../core/bytes.js'
import type { Shown } from '../overview/shapes.js'

/** Characters that a value is shown with where there is room, and where it is one line of many. */
export const longText = 20_000
export const shortText = 200
const mostDepth = 24
const mostEntries = 500
/** Characters of one text in a value. */
const longestString = 4_000

const nothing: Shown = { text: '', isCut: false }

/**
 * A value as text people read, in the form of JSON, never longer than `most` and a bit: values may be huge, deep, or hold what JSON
 * has no form for. Never throws.
 */
export function shownValue(value: unknown, most: number): Shown {
  if (value === undefined) return nothing
  const print = new Print(most, most > shortText ? 2 : 0)
  try {
    print.value(value, 0)
  } catch {
    // A value with code of its own, which throws when it is looked at.
    return { text: `${print.text} …`, isCut: true }
  }
  return { text: print.text, isCut: print.isCut }
}

/** Bytes as text where they are text, as JSON laid out where they are JSON; in hexadecimal digits otherwise. */
export function shownBytes(bytes: Uint8Array | null, most: number): Shown {
  if (bytes === null) return { text: 'null', isCut: false }
  const text = textIn(bytes.subarray(0, 4 * most))
  if (text === undefined) return hex(bytes, most)
  if (bytes.length <= 4 * most) {
    const json = jsonIn(text)
    if (json !== undefined) return shownValue(json.value, most)
  }
  return cut(text, most, bytes.length > 4 * most)
}

/** Text that somebody else wrote, cut. */
export const shownText = (text: string, most: number): Shown => cut(text, most, false)

function cut(text: string, most: number, isCut: boolean): Shown {
  if (text.length <= most) return { text, isCut }
  return { text: text.slice(0, most).toWellFormed(), isCut: true }
}

function hex(bytes: Uint8Array, most: number): Shown {
  const shown = asBuffer(bytes.subarray(0, Math.floor(most / 3)))
  const pairs = shown.toString('hex').match(/../g) ?? []
  return { text: `0x ${pairs.join(' ')}`, isCut: shown.length < bytes.length }
}

/** Undefined for what is no text: a character that was cut at the end does not count. */
function textIn(bytes: Uint8Array): string | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes, { stream: true })
    // eslint-disable-next-line no-control-regex
    return /[\x00-\x08\x0e-\x1f]/.test(text) ? undefined : text
  } catch {
    return undefined
  }
}

/** Only what is laid out over lines is worth it: numbers might lose digits. */
function jsonIn(text: string): { readonly value: unknown } | undefined {
  if (!/^\s*[[{]/.test(text) || /\d{16}/.test(text)) return undefined
  try {
    return { value: JSON.parse(text) as unknown }
  } catch {
    return undefined
  }
}

class Print {
  text = ''
  isCut = false
  readonly #most: number
  readonly #indent: number

  constructor(most: number, indent: number) {
    this.#most = most
    this.#indent = indent
  }

  get #isFull(): boolean {
    if (this.text.length < this.#most) return false
    this.isCut = true
    return true
  }

  value(value: unknown, depth: number): void {
    if (this.#isFull) return
    if (typeof value === 'string') return this.#string(value)
    if (typeof value === 'bigint') return this.#add(`${value}n`)
    if (typeof value === 'number' || typeof value === 'boolean') return this.#add(String(value))
    if (typeof value !== 'object') return this.#add(value === undefined ? 'undefined' : `(${typeof value})`)
    if (value === null) return this.#add('null')
    if (value instanceof Date) return this.#add(Number.isNaN(value.getTime()) ? '(no date)' : value.toISOString())
    if (isBytes(value)) return this.#bytes(value)
    if (depth >= mostDepth) return this.#omit()
    if (value instanceof Map)
      return this.#all('Map {', value.entries(), '}', depth, (entry) => this.#pair(entry, depth))
    if (value instanceof Set || Array.isArray(value))
      return this.#all(value instanceof Set ? 'Set [' : '[', value.values(), ']', depth, (each) =>
        this.value(each, depth + 1),
      )
    this.#all('{', Object.entries(value).values(), '}', depth, (entry) => this.#pair(entry, depth))
  }

  #all<T>(
    open: string,
    entries: Iterator<T> & Iterable<T>,
    close: string,
    depth: number,
    print: (entry: T) => void,
  ): void {
    this.#add(open)
    let count = 0
    for (const entry of entries) {
      if (this.#isFull) break
      if (count > 0) this.#add(this.#indent === 0 ? ', ' : ',')
      this.#line(depth + 1)
      if (count++ >= mostEntries) {
        this.#omit()
        break
      }
      print(entry)
    }
    if (count > 0) this.#line(depth)
    this.#add(close)
  }

  #pair([key, value]: readonly [unknown, unknown], depth: number): void {
    if (typeof key === 'string') this.#string(key)
    else this.value(key, depth + 1)
    this.#add(': ')
    this.value(value, depth + 1)
  }

  #bytes(bytes: Uint8Array): void {
    const { text, isCut } = hex(bytes, 300)
    this.#add(`(${bytes.length} bytes) ${text}`)
    if (isCut) this.#omit()
  }

  #string(text: string): void {
    const { length } = text
    const most = Math.min(longestString, this.#most)
    this.#add(JSON.stringify(length <= most ? text : text.slice(0, most).toWellFormed()))
    if (length > most) {
      this.#add(`… (${length} characters)`)
      this.isCut = true
    }
  }

  #omit(): void {
    this.#add('…')
    this.isCut = true
  }

  #line(depth: number): void {
    if (this.#indent > 0) this.#add(`\n${' '.repeat(this.#indent * depth)}`)
  }

  #add(text: string): void {
    this.text += text
  }
}
