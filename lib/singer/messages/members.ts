import { latin1Text, utf8Text } from '../../core/bytes.js'

/** Where the members of a message are that have a meaning: from, to; -1: not there. */
export class Members {
  type: Place = nowhere
  stream: Place = nowhere
  record: Place = nowhere
  value: Place = nowhere
  time_extracted: Place = nowhere
}

export interface Place {
  readonly start: number
  readonly end: number
}

const nowhere: Place = Object.freeze({ start: -1, end: -1 })
const empty = new Members()
const isKnown = (name: string): name is keyof Members => Object.hasOwn(empty, name)

/**
 * The members of a JSON object, found without reading the values of those that are known: a record goes to its topic as the program has
 * written it, with its numbers' digits. Undefined when it is no object. What the known members hold is for the caller to read.
 */
export function membersOf(line: Buffer): Members | undefined {
  const members = new Members()
  let at = blank(line, 0)
  if (line[at] !== 0x7b) return undefined
  at = blank(line, at + 1)
  if (line[at] === 0x7d) return blank(line, at + 1) === line.length ? members : undefined
  while (line[at] === 0x22) {
    const keyEnd = stringEnd(line, at)
    const start = blank(line, skipped(line, keyEnd, 0x3a))
    const end = valueEnd(line, start)
    if (end <= start) return undefined
    const name = textAt(line, { start: at, end: keyEnd })
    if (name === undefined) return undefined
    if (isKnown(name)) members[name] = { start, end }
    else if (!isJson(line, start, end)) return undefined
    at = blank(line, end)
    if (line[at] === 0x7d) return blank(line, at + 1) === line.length ? members : undefined
    at = blank(line, skipped(line, at, 0x2c))
  }
  return undefined
}

/** The text of a JSON string; undefined when it is none. */
export function textAt(line: Buffer, { start, end }: Place): string | undefined {
  if (start < 0 || line[start] !== 0x22) return undefined
  const plain = utf8Text(line, start + 1, end - 1)
  if (!/[\\\p{Cc}]/u.test(plain)) return plain
  try {
    return JSON.parse(utf8Text(line, start, end)) as string
  } catch {
    return undefined
  }
}

const scalar = /^(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)$/

function isJson(line: Buffer, start: number, end: number): boolean {
  const first = line[start]
  if (first !== 0x7b && first !== 0x5b && first !== 0x22) return scalar.test(latin1Text(line, start, end))
  try {
    JSON.parse(utf8Text(line, start, end))
    return true
  } catch {
    return false
  }
}

function blank(line: Buffer, at: number): number {
  while (line[at] === 0x20 || line[at] === 0x09 || line[at] === 0x0d) at++
  return at
}

/** Behind a mark that must be there; at the end of the line when it is not. */
function skipped(line: Buffer, from: number, mark: number): number {
  const at = blank(line, from)
  return line[at] === mark ? at + 1 : line.length
}

/** Behind its closing quote, or beyond the line. */
function stringEnd(line: Buffer, at: number): number {
  for (at++; at < line.length; at++) {
    if (line[at] === 0x22) return at + 1
    if (line[at] === 0x5c) at++
  }
  return line.length + 1
}

/** Behind the value; before or at `at` when there is none, and when it does not end. */
function valueEnd(line: Buffer, at: number): number {
  const first = line[at]
  if (first === 0x22) return within(line, stringEnd(line, at))
  if (first === 0x7b || first === 0x5b) return within(line, containerEnd(line, at))
  while (at < line.length && !endsScalar(line[at] as number)) at++
  return at
}

const within = (line: Buffer, end: number): number => (end <= line.length ? end : -1)
const endsScalar = (byte: number): boolean =>
  byte === 0x2c || byte === 0x7d || byte === 0x20 || byte === 0x09 || byte === 0x0d

function containerEnd(line: Buffer, at: number): number {
  let depth = 0
  while (at < line.length) {
    const byte = line[at]
    if (byte === 0x22) {
      at = stringEnd(line, at)
      continue
    }
    if (byte === 0x7b || byte === 0x5b) depth++
    else if ((byte === 0x7d || byte === 0x5d) && --depth === 0) return at + 1
    at++
  }
  return line.length + 1
}
