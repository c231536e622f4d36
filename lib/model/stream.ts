import type { Codec } from '../codec/codec.js'
import { codecFor, isCodec } from '../codec/codec.js'
import { guarded } from '../codec/guarded.js'
import { jsonAt } from '../codec/json/json.js'
import { isSchema, type OutputOf, type Schema } from '../codec/schema.js'
import { keyFormat, type KeyCodec } from '../codec/keys.js'
import { durationForm, durationMs, msOf, type Duration } from '../core/duration.js'
import { MillraceError, within } from '../core/errors.js'
import { callback, checkOptions, flag, oneOf, rule, shown, whole, type Rules } from '../core/options.js'
import { forget, isThenable } from '../core/record-checks.js'
import type { KeyFormat } from '../core/key-format.js'
import type { RecordInfo } from '../core/record.js'
import type { Given } from './deep-readonly.js'
import { checkTopicName } from './names.js'

/** A topic with stateless steps applied to it. Immutable; every step returns a new stream. Steps may not keep state. */
export interface Stream<V> {
  /** The type of its values; not there when the program runs. First, so that the compiler names it when two do not fit. */
  readonly _value?: V
  /** How this stream comes about; read by the runtime and `describe()`. */
  readonly node: StreamNode
  map<W>(step: (value: V, record: RecordInfo) => W): Stream<W>
  filter<W extends V>(test: (value: V, record: RecordInfo) => value is W): Stream<W>
  filter(test: (value: V, record: RecordInfo) => boolean): Stream<V>
  /** One value becomes several, or none. Of one record there may be 100,000, that hold 64 MiB together: more refuse it, with `STEP_FAILED`. */
  flatMap<W>(step: (value: V, record: RecordInfo) => Iterable<W>): Stream<W>
  /** Both streams interleaved; no order between them. */
  merge<W>(other: Stream<W>): Stream<V | W>
  /** Splits by the first test that holds; `rest` gets what none took. */
  branch<B extends Record<string, (value: V) => boolean>>(tests: B): { readonly [K in keyof B | 'rest']: Stream<V> }
  /** A flow without state: written to `target` with the app's guarantee; what the target's type must allow. `null`: a tombstone. */
  to<W>(this: Stream<NoInfer<Given<W>> | null>, target: Topic<W>, options?: FlowOptions<V>): Flow
}

export interface FlowOptions<V> {
  /** Of the record that is written; `null`: none. @default the source record's key */
  readonly key?: (value: V, record: RecordInfo) => string | null
}

/** A Kafka topic and the codec of its values. */
export interface Topic<V> extends Stream<V> {
  readonly name: string
  readonly codec: Codec<V>
  /** How its keys are read and written. */
  readonly keys: KeyFormat
  /**
   * With records that have no value, which stand for deletions in compacted topics; they come as `null`. Without it they
   * are refused like values that cannot be read.
   */
  withTombstones(): Stream<V | null>
}

/** Records that go from a stream to a topic. */
export interface Flow {
  readonly kind: 'flow'
  /** `<sources> → <target>`. */
  readonly name: string
  readonly definition: FlowDefinition
}

/** What an app does with a topic beyond reading and writing it. */
export interface TopicOptions<V = never> {
  /** What to do with records that the codec, the schema, a stream step or a key extractor refuses. @default 'dead-letter' */
  readonly onInvalid?: InvalidPolicy
  /** Event time of a record, milliseconds since the epoch. @default the record's timestamp */
  readonly timestamp?: (value: V) => number
  /**
   * How far event time may be ahead of the clock. A record farther ahead does not move stream time, and windowed kinds send
   * it where late records go; `'unlimited'` takes all. @default '1h'
   */
  readonly maxAhead?: Duration | 'unlimited'
  /**
   * What to do with a record that the app writes to it with a timestamp farther from the broker's clock than the topic takes
   * (`message.timestamp.after.max.ms`, an hour from Kafka 4.0 on): `refuse`: it is an error of the turn, or of the record that a
   * flow writes; `clamp`: it gets the nearest time that the topic takes. @default 'refuse'
   */
  readonly timestamps?: 'refuse' | 'clamp'
  /**
   * What its keys are, where they are not text: `long()`, `integer()`, `double()`, `bytes()`. To your code they are text all the
   * same, in `record.key`, emits, flows and lookups: of numbers the digits, of bytes their hexadecimal digits. @default text()
   */
  readonly key?: KeyCodec
  /**
   * Of a topic with a schema: whether what is written to it (by `emit`, `publish`, `to` and `send`) is checked by the schema, as
   * what is read from it always is. @default true
   */
  readonly checked?: boolean
  /**
   * With how many partitions the app makes the topic, where it may (`createTopics: true`); a topic that exists is used as it is,
   * with a warning when it has another number. @default the broker's `num.partitions`
   */
  readonly partitions?: number
}

/** `dead-letter`: to `<app>-dlq`, go on; `skip`: count it, go on; `stop`: stop the app, lose nothing. */
export type InvalidPolicy = 'dead-letter' | 'skip' | 'stop'

const topicOptions: Rules<TopicOptions> = {
  onInvalid: oneOf('dead-letter', 'skip', 'stop'),
  timestamp: callback('a function that gives milliseconds since 1970'),
  timestamps: oneOf('refuse', 'clamp'),
  maxAhead: rule(`${durationForm}, or 'unlimited'`, (value) => value === 'unlimited' || msOf(value) !== undefined),
  key: rule('a codec of keys, such as long() or bytes()', isCodec),
  checked: flag,
  partitions: whole(1, 100_000),
}
const flowOptions: Rules<FlowOptions<never>> = { key: callback('a function that gives the key, or null') }

// Functions are kept as functions of `never`: any function fits without a cast, and only the runtime, which knows that
// the value fits, calls them.
export type Step = (value: never, record: RecordInfo) => unknown
export type Test = (value: never, record: RecordInfo) => boolean

export interface TopicNode {
  readonly kind: 'topic'
  readonly name: string
  readonly codec: Codec<unknown>
  readonly keys: KeyFormat
  readonly onInvalid: InvalidPolicy
  readonly timestamp: ((value: never) => number) | undefined
  /** Infinity: unlimited. */
  readonly maxAheadMs: number
  /** A timestamp that the topic does not take is moved to where it does. */
  readonly clampsTime: boolean
  readonly partitions: number | undefined
}

export type StreamNode =
  | TopicNode
  | { readonly kind: 'map'; readonly from: StreamNode; readonly step: Step }
  | { readonly kind: 'filter'; readonly from: StreamNode; readonly test: Test }
  | {
      readonly kind: 'flatMap'
      readonly from: StreamNode
      readonly step: (value: never, record: RecordInfo) => Iterable<unknown>
    }
  | { readonly kind: 'merge'; readonly from: readonly StreamNode[] }
  /** Lets records without a value through. */
  | { readonly kind: 'tombstones'; readonly from: TopicNode }

export interface FlowDefinition {
  readonly from: StreamNode
  readonly target: TopicNode
  readonly key: ((value: never, record: RecordInfo) => string | null) | undefined
}

/**
 * Names a topic and says how its values are read and written. A schema alone means JSON.
 * Throws `DEFINITION_INVALID` when the name is not one Kafka allows, or the format none, and `OPTIONS_INVALID`.
 */
export function topic<S extends Schema>(
  name: string,
  schema: S,
  options?: TopicOptions<OutputOf<S>>,
): Topic<OutputOf<S>>
export function topic<V>(name: string, codec: Codec<V>, options?: TopicOptions<V>): Topic<V>
export function topic(name: string, format: Schema | Codec<unknown>, options: TopicOptions = {}): Topic<unknown> {
  checkTopicName(name)
  if (!isSchema(format) && !isCodec(format)) {
    throw new MillraceError(
      'DEFINITION_INVALID',
      `topic '${name}': its format is ${shown(format)}; give a schema (zod or another Standard Schema) or a codec such as text()`,
      { topic: name },
    )
  }
  checkOptions(`topic '${name}'`, options, topicOptions)
  const { key } = options
  const [codec, keys] = within(`topic '${name}'`, { topic: name }, () => [
    codecFor(codecOf(format, options.checked), { topic: name, part: 'value' }),
    keyFormat(key && (codecFor(key as Codec<unknown>, { topic: name, part: 'key' }) as KeyCodec)),
  ])
  const node: TopicNode = Object.freeze({
    kind: 'topic',
    name,
    codec,
    keys,
    onInvalid: options.onInvalid ?? 'dead-letter',
    timestamp: options.timestamp,
    maxAheadMs: maxAheadMs(name, options.maxAhead),
    clampsTime: options.timestamps === 'clamp',
    partitions: options.partitions,
  })
  const withTombstones = (): Stream<unknown> => stream(Object.freeze({ kind: 'tombstones', from: node }))
  return Object.freeze({ ...stream<unknown>(node), name, codec, keys, withTombstones })
}

/** Throws `DEFINITION_INVALID` for what is no topic and no stream of one. */
export function demandStream(input: unknown, where: string): void {
  if (typeof (input as Partial<Stream<unknown>> | null | undefined)?.node?.kind === 'string') return
  throw new MillraceError(
    'DEFINITION_INVALID',
    `${where}: ${shown(input)} is no stream; give a topic, made with topic(name, schema), or a stream of one`,
  )
}

function maxAheadMs(name: string, maxAhead: TopicOptions['maxAhead'] = '1h'): number {
  return maxAhead === 'unlimited' ? Infinity : durationMs(maxAhead, `topic '${name}': maxAhead`)
}

function codecOf(format: Schema | Codec<unknown>, checked: boolean | undefined): Codec<unknown> {
  if (isSchema(format)) return jsonAt(format, 'value', checked === undefined ? {} : { checked })
  if (checked === undefined) return guarded(format)
  throw new MillraceError(
    'DEFINITION_INVALID',
    'checked is for topics that are given a schema; a codec checks as it is made to: json(schema, { checked: false })',
  )
}

/** The topic behind a handle. */
export function topicNode(handle: Topic<never> | Topic<unknown>): TopicNode {
  if ((handle as Partial<Topic<unknown>> | undefined)?.node?.kind === 'topic') return handle.node as TopicNode
  throw new MillraceError('DEFINITION_INVALID', 'a topic is needed here: make it with topic(name, schema)')
}

function stream<V>(node: StreamNode): Stream<V> {
  const derived = <W>(next: StreamNode): Stream<W> => stream<W>(Object.freeze(next))
  return Object.freeze({
    node,
    map: <W>(step: (value: V, record: RecordInfo) => W) =>
      derived<W>({ kind: 'map', from: node, step: demandStep('map', step) }),
    filter: <W extends V>(test: (value: V, record: RecordInfo) => boolean) =>
      derived<W>({ kind: 'filter', from: node, test: demandStep('filter', test) }),
    flatMap: <W>(step: (value: V, record: RecordInfo) => Iterable<W>) =>
      derived<W>({ kind: 'flatMap', from: node, step: demandStep('flatMap', step) }),
    merge: <W>(other: Stream<W>) => {
      demandStream(other, 'merge')
      return derived<V | W>({ kind: 'merge', from: [node, other.node] })
    },
    branch: <B extends Record<string, (value: V) => boolean>>(tests: B) => branches<V, B>(node, tests),
    to: <W>(target: Topic<W>, options: FlowOptions<V> = {}): Flow => {
      checkOptions('to', options, flowOptions)
      const definition = { from: node, target: topicNode(target as Topic<never>), key: options.key }
      return Object.freeze({ kind: 'flow', name: `${sourceNames(node).join('+')} → ${target.name}`, definition })
    },
  })
}

function demandStep<F>(what: string, step: F): F {
  if (typeof step === 'function') return step
  throw new MillraceError('DEFINITION_INVALID', `${what}: ${shown(step)} in the place of a function`)
}

function branches<V, B extends Record<string, (value: V) => boolean>>(
  from: StreamNode,
  tests: B,
): { readonly [K in keyof B | 'rest']: Stream<V> } {
  const names = Object.keys(tests)
  for (const name of names) demandStep(`branch: the test '${name}'`, tests[name])
  if (names.includes('rest')) {
    throw new MillraceError('DEFINITION_INVALID', "branch: 'rest' is the name of what no test took; rename that test")
  }
  const first = (value: V): number => names.findIndex((name) => taken(name, tests[name]?.(value)))
  const pick = (index: number): Stream<V> =>
    stream<V>(Object.freeze({ kind: 'filter', from, test: (value: V) => first(value) === index }))
  const streams = Object.fromEntries([
    ...names.map((name, index) => [name, pick(index)] as const),
    ['rest', pick(-1)] as const,
  ])
  return Object.freeze(streams) as { readonly [K in keyof B | 'rest']: Stream<V> }
}

/** Whether a test of a branch takes a value. Throws for a promise, which would take every one. */
function taken(name: string, verdict: unknown): boolean {
  if (!isThenable(verdict)) return Boolean(verdict)
  forget(verdict)
  throw new TypeError(`test '${name}' gave a promise: it cannot wait for anything`)
}

/** Names of the topics a stream comes from, each once. */
export function sourceNames(node: StreamNode): readonly string[] {
  switch (node.kind) {
    case 'topic':
      return [node.name]
    case 'merge':
      return [...new Set(node.from.flatMap(sourceNames))]
    default:
      return sourceNames(node.from)
  }
}
