import { systemClock } from '../../core/clock.js'

// A program that is loaded may print: see `keepStdout`.
const stdout = process.stdout.write.bind(process.stdout)

/** Results go to stdout, all else to stderr, so that a pipe gets results only. */
export class Output {
  readonly json: boolean
  readonly #isTerminal = process.stderr.isTTY
  #progress = ''
  // What is over by then needs no telling.
  #toldAt = systemClock.elapsed()

  constructor(json: boolean) {
    this.json = json
  }

  /** The result of the command: with `--json` one document, otherwise a text. Called once. */
  result(document: unknown, text: string | (() => string)): void {
    this.#line(this.json ? jsonText(document, 2) : typeof text === 'string' ? text : text())
  }

  /** A result that is JSON with `--json` or without. */
  document(document: unknown): void {
    this.#line(jsonText(document, 2))
  }

  /** One of many results: with `--json` one line each. */
  item(document: unknown, text: string | (() => string)): void {
    this.#line(this.json ? jsonText(document) : typeof text === 'string' ? text : text())
  }

  /** Text that is the result as it is, also with `--json`: a file for another program. */
  raw(text: string): void {
    this.#line(text)
  }

  /** Something to know beside the result. */
  note(text: string): void {
    this.#clear()
    process.stderr.write(`${text}\n`)
  }

  /** How far long work is: one line that is written over, and without a terminal a line every five seconds. */
  progress(text: string): void {
    if (this.#isTerminal) {
      this.#clear()
      this.#progress = text
      process.stderr.write(text)
    } else if (systemClock.elapsed() - this.#toldAt >= 5_000) {
      this.#toldAt = systemClock.elapsed()
      process.stderr.write(`${text}\n`)
    }
  }

  /** Takes the line of `progress` away. */
  done(): void {
    this.#clear()
  }

  #line(text: string): void {
    this.#clear()
    stdout(`${text}\n`)
  }

  #clear(): void {
    if (this.#progress !== '') process.stderr.write('\r\u001b[K')
    this.#progress = ''
  }
}

/** JSON that steers no terminal either: what JSON itself leaves as it is of such characters is escaped, which means the same. */
export function jsonText(value: unknown, indent?: number): string {
  const text = JSON.stringify(value, (_, each: unknown) => (typeof each === 'bigint' ? String(each) : each), indent)
  return (text ?? 'null').replace(
    /[\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** What programs print that are loaded goes to stderr from now on. */
export function keepStdout(): void {
  process.stdout.write = process.stderr.write.bind(process.stderr)
}

/** Resolves when all results are out. */
export const flushed = (): Promise<void> => new Promise((resolve) => void stdout('', () => resolve()))
