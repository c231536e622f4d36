import { isUtf8 } from 'node:buffer'
import { plain } from '../../codec/plain.js'
import { exactParse, mayHaveLargeIntegersText } from '../../codec/json/exact-parse.js'
import { BatchRules } from '../../log/batch-rules.js'
import { changelogTopic } from '../../model/names.js'
import type { KindDefinition } from '../../model/kind.js'
import { StateCodec } from '../../state/state-codec.js'
import { Survival } from '../../state/survival.js'
import { stateKindOf } from '../../turn/windows/windows.js'
import { CliError } from '../frame/exits.js'
import type { StoredObject } from './changelogs.js'
import { dataDocument } from './data.js'

/** What an object holds, as far as it can be told, for JSON. Throws what the codec of a program throws. */
export type ValueOf = (object: StoredObject) => unknown

/** Without a program: what is stored, where that is JSON; else its text, else its bytes. */
export const storedValue: ValueOf = ({ bytes }) => {
  if (bytes === null) return null
  const value = isUtf8(bytes) ? exactJson(bytes.toString('utf8')) : undefined
  return value === undefined ? dataDocument(bytes) : value
}

/** As an instance tells it: whole numbers that no double can hold exactly are text. Undefined for what is no JSON. */
export function exactJson(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text)
    return mayHaveLargeIntegersText(text) ? exactParse(text, (literal) => literal) : value
  } catch {
    return undefined
  }
}

/** Whether it can be read without a program. */
export const isJson = ({ bytes }: StoredObject): boolean =>
  bytes !== null && isUtf8(bytes) && exactJson(bytes.toString('utf8')) !== undefined

/** How a kind of a program reads and writes what is stored. Rejects for a kind that it does not have. */
export function codecOf(app: string, kinds: readonly KindDefinition[], name: string): StateCodec {
  const kind = kinds.find((each) => each.name === name)
  if (kind === undefined)
    throw new CliError(
      'notFound',
      `the program has no kind '${name}': there are ${kinds.map((each) => each.name).join(', ')}`,
    )
  const rule = new BatchRules().of(changelogTopic(app, name))
  return new StateCodec(stateKindOf(kind, { rule, maxBytes: Infinity }, new Survival(false)))
}

/** With a program: what its handlers would see, of its version of the kind. */
export function decodedValue(codec: StateCodec): ValueOf {
  return ({ key, bytes, version }) =>
    bytes === null ? null : plain(codec.decode(key, codec.fromWire(bytes, 0, bytes.length, version)))
}
