import { MillraceError } from '../core/errors.js'
import { partitionOfKey } from '../log/murmur2.js'
import { deadLetterTopic } from '../model/names.js'
import type { Program } from '../model/program.js'
import type { AnyStateObject } from '../model/state-object.js'
import type { Topic } from '../model/stream.js'
import type { Engine } from '../runtime/engine.js'
import { demandKind, demandStateKey } from '../runtime/state-reader.js'
import { sessionOf, type Sessions } from '../turn/windows/sessions.js'
import { parseWindowKey } from '../turn/windows/windows.js'
import { deadLetterIn, type DeadLetter } from './dead-letters.js'
import { app } from './process.js'
import type { OutputRecord } from './test-driver.js'
import type { TopicTail } from './topic-tail.js'

/** A copy of an object, as another process would read it. Throws `DEFINITION_INVALID` for a kind that the app does not have. */
export function stateOf({ parts }: Engine, kind: AnyStateObject, key: string): unknown {
  demandKind(kind)
  const { name, definition } = kind
  demandStateKey(name, key)
  const { tasks, topology } = parts
  const index = topology.kinds.indexOf(definition)
  if (index < 0)
    throw new MillraceError('DEFINITION_INVALID', `state object '${name}' was not given to this driver`, { kind: name })
  const { window } = definition
  const ofKey = window === undefined ? key : parseWindowKey(key).key
  const table = tasks.running.get(partitionOfKey(ofKey, topology.stateTasks))?.state?.tables[index]
  const stored = window?.kind === 'session' ? ofKey : key
  const live = table?.cached(stored)?.state
  const state =
    live === undefined ? table?.committedState(stored) : table?.stored.decode(stored, table.stored.encode(live))
  return window?.kind === 'session' ? sessionOf(state as Sessions | undefined, key) : state
}

/** Copies: a test may do to them what it likes. */
export function outputOf<V>(tail: TopicTail, { name, codec, keys }: Topic<V>): readonly OutputRecord<V>[] {
  return tail.of(name).map(({ key, value, timestamp, headers }) => ({
    get key() {
      return key === null ? null : keys.text(key, 0, key.length)
    },
    value: value === null ? null : codec.decode(Uint8Array.from(value)),
    timestamp,
    headers: new Map([...headers].map(([header, bytes]) => [header, bytes && Uint8Array.from(bytes)])),
  }))
}

/** Those whose records came from a topic, or all. */
export function deadLettersIn(
  tail: TopicTail,
  { sources }: Program,
  source: string | undefined,
): readonly DeadLetter<unknown>[] {
  return tail
    .of(deadLetterTopic(app))
    .map((record) => deadLetterIn(record, (name) => sources.find((node) => node.name === name)))
    .filter((letter) => letter !== undefined)
    .filter(({ topic }) => source === undefined || topic === source)
}
