import { asBuffer } from '../core/bytes.js'
import type { Headers } from '../core/record.js'
import { headersOf } from '../log/format/header-section.js'
import type { TopicNode } from '../model/stream.js'
import { ownPrefix } from '../log/letter-headers.js'
import { ownHeaders } from '../turn/failing/letter.js'
import type { TailRecord } from './topic-tail.js'

/** A dead letter, as a test looks at it. */
export interface DeadLetter<V> {
  /** Where its record came from: of a timer or a closing window the app's topic of timers. */
  readonly topic: string
  readonly partition: number
  readonly offset: number
  /** As the keys of that topic are read; null: none, or none that can be read. */
  readonly key: string | null
  /** Decoded; null for a tombstone, undefined for what cannot be read. */
  readonly value: V | null | undefined
  readonly bytes: { readonly key: Uint8Array | null; readonly value: Uint8Array | null }
  /** Of the record, without those of the letter. */
  readonly headers: Headers
  readonly timestamp: number
  /** What it failed with: one of the codes of `MillraceError`, and the sentence. */
  readonly code: string
  readonly message: string
  /** Of what was thrown, with those of its causes; undefined when nothing was, as of a record that follows another. */
  readonly stack: string | undefined
  /** Of a turn: its object, `key|start|end` in a window, and how often it was tried. */
  readonly kind: string | undefined
  readonly object: string | undefined
  readonly attempt: number | undefined
}

/** Undefined when the record is no dead letter of an app. */
export function deadLetterIn(
  { key, value, section }: TailRecord,
  nodeOf: (topic: string) => TopicNode | undefined,
): DeadLetter<unknown> | undefined {
  const [own, ours] = ownHeaders(section) ?? []
  if (own === undefined || ours === undefined) return undefined
  const text = (name: string): string | undefined => {
    const header = ours.get(ownPrefix + name)
    return header === undefined || header === null ? undefined : asBuffer(header).toString('utf8')
  }
  if (text('letter.over') !== undefined) return undefined
  const topic = text('source.topic') ?? ''
  const node = nodeOf(topic)
  const attempt = text('attempt')
  return {
    topic,
    partition: Number(text('source.partition')),
    offset: Number(text('source.offset')),
    key:
      key === null
        ? null
        : (readable(() => (node === undefined ? key.toString('utf8') : node.keys.text(key, 0, key.length))) ?? null),
    value: value === null ? null : node && readable(() => node.codec.decode(asBuffer(value))),
    bytes: { key: key && Uint8Array.from(key), value: value && Uint8Array.from(value) },
    headers: headersOf(own),
    timestamp: Number(text('source.timestamp')),
    code: text('error.code') ?? '',
    message: text('error.message') ?? '',
    stack: text('error.stack'),
    kind: text('kind'),
    object: text('key'),
    attempt: attempt === undefined ? undefined : Number(attempt),
  }
}

function readable<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}
