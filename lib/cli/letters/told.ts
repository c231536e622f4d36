import { headersDocument, dataDocument, dataText, cut } from '../stored/data.js'
import { isoText } from '../frame/times.js'
import { plainText, table } from '../frame/table.js'
import type { FoundLetter } from './found.js'

export const letterName = ({ partition, offset }: Pick<FoundLetter, 'partition' | 'offset'>): string =>
  `${partition}@${offset}`

/** A letter without its record. */
export function letterDocument(letter: FoundLetter): object {
  const { partition, offset, status, facts, own, key, value } = letter
  const number = (name: string): number | undefined => (own(name) === undefined ? undefined : Number(own(name)))
  return {
    letter: letterName(letter),
    partition,
    offset,
    written: isoText(facts?.written),
    status,
    kind: facts?.kind,
    key: facts?.key,
    number: facts?.number,
    code: facts?.code,
    message: facts?.message,
    source: facts && {
      topic: facts.topic,
      partition: facts.partition,
      offset: facts.offset,
      time: isoText(facts.timestamp),
    },
    connector: facts?.connector,
    attempts: number('attempt'),
    app: facts?.app,
    version: own('app.version'),
    incomplete: own('incomplete'),
    bytes: (key?.length ?? 0) + (value?.length ?? 0),
  }
}

/** All of it. */
export function wholeDocument(letter: FoundLetter): object {
  const { facts, own, key, value } = letter
  return {
    ...letterDocument(letter),
    stack: own('error.stack'),
    record: {
      key: dataDocument(key),
      value: dataDocument(value),
      headers: facts === undefined ? [] : headersDocument(facts.headers),
    },
  }
}

/** A line for each of them. */
export function lettersText(letters: readonly LetterLine[]): string {
  return table(['letter', 'status', 'object', 'code', 'from', 'time', 'written', 'error'], letters)
}

export type LetterLine = readonly [
  letter: string,
  status: string,
  object: string,
  code: string,
  from: string,
  time: string | undefined,
  written: string | undefined,
  error: string,
]

const objectWidth = 40
const errorWidth = 100

export function lineOf(letter: FoundLetter): LetterLine {
  const { facts, status } = letter
  const source = facts?.topic === undefined ? '-' : `${facts.topic}[${facts.partition ?? '?'}]@${facts.offset ?? '?'}`
  const object = facts?.kind === undefined ? (facts?.connector ?? '-') : `${facts.kind} ${facts.key ?? ''}`
  return [
    letterName(letter),
    status,
    cut(plainText(object), objectWidth),
    facts?.code ?? '-',
    source,
    isoText(facts?.timestamp),
    isoText(facts?.written),
    cut(plainText(withoutPlace(facts?.message ?? '-', source, facts)), errorWidth),
  ]
}

/** What stands in the columns beside it already. */
function withoutPlace(message: string, source: string, facts: FoundLetter['facts']): string {
  const place = `${source}: `
  if (!message.startsWith(place)) return message
  const rest = message.slice(place.length)
  const object = `${facts?.kind ?? ''} '${facts?.key ?? ''}'`
  return rest.startsWith(object) ? rest.slice(object.length).replace(/^( \([^)]*\))?: /, '') : rest
}

/** Of this many characters a value is shown; the rest is for `--json`. */
const valueWidth = 4_000

/** All of it, for people. */
export function wholeText(letter: FoundLetter): string {
  const { facts, own, key, value, status } = letter
  const lines: (readonly [string, string | undefined])[] = [
    ['letter', `${letterName(letter)}, ${status}`],
    ['object', facts?.kind === undefined ? facts?.connector : `${facts.kind} '${facts.key ?? ''}'`],
    ['number', facts?.number === undefined ? undefined : `${facts.number} of its object`],
    ['attempts', own('attempt')],
    ['code', facts?.code],
    ['error', facts?.message],
    [
      'record',
      facts?.topic === undefined ? undefined : `${facts.topic}[${facts.partition ?? '?'}]@${facts.offset ?? '?'}`,
    ],
    ['time', isoText(facts?.timestamp)],
    ['written', isoText(facts?.written)],
    ['app', [facts?.app, own('app.version')].filter((text) => text !== undefined).join(' version ') || undefined],
    ['incomplete', own('incomplete')],
    ['key', dataText(key)],
  ]
  const told = lines.flatMap(([name, text]) => (text === undefined ? [] : [`${name.padEnd(11)}${plainText(text)}`]))
  const headers = (facts === undefined ? [] : headersDocument(facts.headers)).map(
    ([name, data]) =>
      `  ${plainText(name)}: ${plainText(data === null ? 'null' : 'text' in data ? data.text : `base64 ${data.base64}`)}`,
  )
  const stack = own('error.stack')
  const shown = dataText(value)
  return [
    ...told,
    ...(headers.length === 0 ? [] : ['headers', ...headers]),
    'value',
    `  ${cut(shown, valueWidth)}`,
    ...(shown.length > valueWidth ? [`  (${value?.length} bytes in all: --json has them)`] : []),
    ...(stack === undefined ? [] : ['stack', ...stack.split('\n').map((line) => `  ${plainText(line)}`)]),
  ].join('\n')
}
