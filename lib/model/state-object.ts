import { json, type Codec } from '../codec/codec.js'
import type { OutputOf, Schema } from '../codec/schema.js'
import { MillraceError } from '../core/errors.js'
import type { RecordInfo } from '../core/record.js'
import { checkKindName } from './names.js'
import { sourceNames, topicNode, type Stream, type StreamNode, type Topic, type TopicNode } from './stream.js'
import type { Turn } from './turn.js'

/** The same shape, to be read only: what queries and row functions get to see. */
export type DeepReadonly<T> = T extends (infer E)[]
  ? readonly DeepReadonly<E>[]
  : T extends object
    ? { readonly [K in keyof T]: DeepReadonly<T[K]> }
    : T

/** Which object a value belongs to; `null` drops the record. */
export type KeyExtractor<V> = (value: V, record: RecordInfo) => string | null

/** Change `state` in place. Returning a value is an error, so that a forgotten mutation is noticed. */
export type Handler<S, V> = (state: S, value: V, turn: Turn) => void

/**
 * `auto`: in place where the key's partition is this one, through the inbox otherwise; `aligned`: a key of another
 * partition is an error; `shuffle`: always through the inbox.
 */
export type Route = 'auto' | 'aligned' | 'shuffle'

/** How one input reaches its objects. */
export interface InputOptions<V> {
  readonly key: KeyExtractor<V>
  /** @default 'auto' */
  readonly route?: Route
}

/** What the objects of a kind hold, and how it is kept. */
export interface StateOptions<St extends Schema> {
  readonly state: St
  /** Called when a key is first seen. */
  readonly init: (key: string) => OutputOf<St>
  /** @default json(state) */
  readonly codec?: Codec<OutputOf<St>>
}

/** What the runtime reads of a kind, whatever the type of its state. */
export interface AnyStateObject {
  readonly kind: 'stateObject'
  readonly name: string
  readonly definition: KindDefinition
}

/** A kind of state object. Immutable: each method returns a new definition. */
export interface StateObject<Name extends string = string, S = unknown> extends AnyStateObject {
  readonly name: Name
  /** Runs `handler` for every value of `input`, on the object its key names. */
  on<V>(input: Stream<V>, key: KeyExtractor<V> | InputOptions<V>, handler: Handler<S, V>): StateObject<Name, S>
  /** Keeps a topic equal to the objects: the latest row per key and commit, a tombstone when deleted or when `row` gives null. */
  publish<V>(target: Topic<V>, row: (state: DeepReadonly<S>, key: string) => NoInfer<V> | null): StateObject<Name, S>
}

export interface KindDefinition {
  readonly name: string
  readonly codec: Codec<unknown>
  readonly init: (key: string) => unknown
  readonly inputs: readonly InputDefinition[]
  readonly publishes: readonly PublishDefinition[]
}

export interface InputDefinition {
  /** `<sources>#<n>`: what hopped records are addressed to; stays the same when other inputs are added. */
  readonly id: string
  readonly from: StreamNode
  readonly key: (value: never, record: RecordInfo) => string | null
  readonly route: Route
  readonly handler: (state: never, value: never, turn: Turn) => void
}

export interface PublishDefinition {
  readonly target: TopicNode
  readonly row: (state: never, key: string) => unknown
}

/**
 * Defines a kind of state object: one object per key, made by `init` when the key is first seen.
 * Throws `DEFINITION_INVALID` when the name or an option is not usable.
 */
export function stateObject<Name extends string, St extends Schema>(
  name: Name,
  options: StateOptions<St>,
): StateObject<Name, OutputOf<St>> {
  checkKindName(name)
  if (typeof options.init !== 'function') {
    throw new MillraceError(
      'DEFINITION_INVALID',
      `state object '${name}': init must be a function that makes the state of a new key`,
      { kind: name },
    )
  }
  const codec = (options.codec ?? json(options.state)) as Codec<unknown>
  return define<Name, OutputOf<St>>(name, { name, codec, init: options.init, inputs: [], publishes: [] })
}

function define<Name extends string, S>(name: Name, definition: KindDefinition): StateObject<Name, S> {
  const withMore = (more: Partial<KindDefinition>): StateObject<Name, S> =>
    define<Name, S>(name, { ...definition, ...more })
  return Object.freeze({
    kind: 'stateObject' as const,
    name,
    definition: Object.freeze(definition),
    on<V>(input: Stream<V>, key: KeyExtractor<V> | InputOptions<V>, handler: Handler<S, V>) {
      const options: InputOptions<V> = typeof key === 'function' ? { key } : key
      const sources = sourceNames(input.node).join('+')
      const twins = definition.inputs.filter((other) => other.id.startsWith(`${sources}#`)).length
      const added = {
        id: `${sources}#${twins}`,
        from: input.node,
        key: options.key,
        route: options.route ?? 'auto',
        handler,
      }
      return withMore({ inputs: [...definition.inputs, Object.freeze(added)] })
    },
    publish<V>(target: Topic<V>, row: (state: DeepReadonly<S>, key: string) => NoInfer<V> | null) {
      const added = { target: topicNode(target as Topic<never>), row }
      return withMore({ publishes: [...definition.publishes, Object.freeze(added)] })
    },
  })
}
