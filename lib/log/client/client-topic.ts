import { MillraceError } from '../../core/errors.js'
import type { KeyFormat } from '../../core/key-format.js'
import { shown } from '../../core/options.js'

/** What a client needs to know of a topic; every topic handle fits. A codec that gives null writes tombstones. */
export interface ClientTopic<V> {
  readonly name: string
  /** How its keys are read and written. @default as text */
  readonly keys?: KeyFormat
  readonly codec: { encode(value: V): Uint8Array | string | null; decode(bytes: Uint8Array): V }
}

/** Throws `OPTIONS_INVALID` for what is no topic: asked for, a log might make one of that name. */
export function demandTopic(topic: unknown, call: string): void {
  const { name, codec } = (topic ?? {}) as Partial<ClientTopic<unknown>>
  if (typeof name === 'string' && name !== '' && typeof codec?.encode === 'function') return
  const what = `${call}: ${shown(topic)} is no topic; give one that was made with topic(name, schema)`
  throw new MillraceError('OPTIONS_INVALID', what)
}

/** Throws `OPTIONS_INVALID`. Text can be iterated, and is one value and not its letters all the same. */
export function demandValues(values: unknown, call: string): void {
  if (typeof values === 'object' && values !== null && (Symbol.iterator in values || Symbol.asyncIterator in values))
    return
  const what = `${call}: the values are ${shown(values)}; give a list of values, or another iterable of them`
  throw new MillraceError('OPTIONS_INVALID', what)
}
