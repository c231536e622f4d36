import { codecRule, type Codec } from '../codec/codec.js'
import { takesWindows } from '../codec/keys.js'
import { isSchema, schemaRule, type OutputOf, type Schema } from '../codec/schema.js'
import { durationMs, type Duration } from '../core/duration.js'
import { MillraceError, within } from '../core/errors.js'
import {
  callback,
  checkOptions,
  duration,
  flag,
  list,
  oneOf,
  refuseMore,
  required,
  shown,
  whole,
  type Rules,
} from '../core/options.js'
import type { DeepReadonly, Given, Scalar } from './deep-readonly.js'
import { inputDefinition, type InputOptions, type KeyExtractor } from './inputs.js'
import type { KindDefinition, TimerBacklog, TimerDefinition, TimerTime } from './kind.js'
import { checkKindName } from './names.js'
import { storedPayload, storedState } from './stored-values.js'
import { topicNode, type Stream, type Topic } from './stream.js'
import type { TimerPayloads, Turn, WindowBounds } from './turn.js'
import { windowRule, type Window } from './window.js'

export type MaybePromise<T> = T | Promise<T>

/**
 * Change `state` in place. Returning a value is an error, so that a forgotten mutation is noticed. While a promise is
 * pending, later records of the same object wait and other objects go on.
 */
export type Handler<
  S,
  V,
  T extends TimerPayloads = {},
  B extends WindowBounds | undefined = WindowBounds | undefined,
> = (state: S, value: V, turn: Turn<T, B>) => MaybePromise<void>

/** Questions by name. */
export type Queries = Record<string, (...args: any[]) => any>

/**
 * What the objects of a kind hold, and how it is kept. `I` and `L` are what `init` gives, inferred apart so that literals
 * stay literals; `W` is the kind of window.
 */
export interface StateOptions<
  St extends Schema,
  I = Given<OutputOf<St>>,
  L = never,
  W extends Window<OutputOf<St>> | undefined = Window<OutputOf<St>> | undefined,
> {
  /** What an object holds. */
  readonly state: St
  /** Called when a key is first seen. */
  readonly init: (key: string) => I | (L & Extract<OutputOf<St>, Scalar>)
  /**
   * Deleted when untouched for this long, by the clock; at the latest a tenth of it later. @default never
   */
  readonly ttl?: Duration
  /**
   * Of the schema: raise it with each change that makes what is stored not fit any more, and add the step with `migrate`.
   * Stored state carries it. The codec must have `decodeRaw`, and stay the same. @default 1
   */
  readonly version?: number
  /** How it is stored, in the changelog and on the disk. @default json(state) */
  readonly codec?: Codec<OutputOf<St>>
  /** One object per key and window instead of one per key, in event time; closed and removed when the window has passed. */
  readonly window?: W
  /**
   * Topics that its turns emit to: as those that are published and written to they are looked up at the start, where a missing one or
   * a permission that is missing is said at once, and are made with `createTopics`. One that is not declared is looked up when the first turn
   * emits to it, and is an error of that turn when it is missing. @default []
   */
  readonly emits?: readonly Topic<any>[]
  /**
   * Whether a state that no longer fits its schema is an error of the turn that made it so. It costs a look at the whole state
   * with each turn: switch it off where objects are large. @default true
   */
  readonly checked?: boolean
}

const stateOptions: Rules<StateOptions<Schema>> = {
  state: required(schemaRule),
  init: required(callback('a function that makes the state of a new key')),
  ttl: duration,
  version: whole(1),
  codec: codecRule,
  window: windowRule,
  checked: flag,
  emits: list('a list of topics, made with topic(name, schema)'),
}

export interface TimersOptions {
  /** By which time they are due: that of the process's clock, or that of the records. @default 'processing' */
  readonly time?: TimerTime
  /**
   * When an app was down, or a task comes from another process, what was there to be processed may have taken timers back that
   * are due by now. `wait`: those by the clock wait until it has been processed, so they are late rather than wrong; `fire`:
   * they do not. @default 'wait'
   */
  readonly backlog?: TimerBacklog
}

const timersOptions: Rules<TimersOptions> = { time: oneOf('processing', 'event'), backlog: oneOf('wait', 'fire') }

/** The window that turns of a kind have: `W` is its option `window`. */
export type BoundsOf<W> = W extends undefined ? undefined : WindowBounds

/** What the runtime reads of a kind, whatever the types of its state, timers and queries. */
export interface AnyStateObject {
  readonly kind: 'stateObject'
  readonly name: string
  readonly definition: KindDefinition
}

/** A kind of state object. Immutable: each method returns a new definition. */
export interface StateObject<
  Name extends string = string,
  S = any,
  T extends TimerPayloads = {},
  Q extends Queries = {},
  B extends WindowBounds | undefined = WindowBounds | undefined,
> extends AnyStateObject {
  readonly name: Name
  /** The types of its queries, for `ask`; not there when the program runs. */
  readonly _queries?: Q
  /** Runs `handler` for every value of `input`, on the object its key names. */
  on<V>(
    input: Stream<V>,
    key: KeyExtractor<V> | InputOptions<V>,
    handler: Handler<S, V, T, B>,
  ): StateObject<Name, S, T, Q, B>
  /** Declares timers and what they carry; `time` says by which time they are due. Declare them before the handlers that set them. */
  timers<P extends Record<string, Schema>>(
    payloads: P,
    options?: TimersOptions,
  ): StateObject<Name, S, T & { [K in keyof P]: OutputOf<P[K]> }, Q, B>
  /** Runs `handler` when the named timer is due. */
  onTimer<K extends keyof T & string>(name: K, handler: Handler<S, T[K], T, B>): StateObject<Name, S, T, Q, B>
  /** For windowed kinds: the last turn of an object, when its window has closed. */
  onClose(handler: (state: S, turn: Turn<T, WindowBounds>) => MaybePromise<void>): StateObject<Name, S, T, Q, B>
  /** A read-only question, answered from committed state. */
  query<K extends string, A extends unknown[], R>(
    name: K,
    answer: (state: DeepReadonly<S>, ...args: A) => R,
  ): StateObject<Name, S, T, Q & Record<K, (...args: A) => R>, B>
  /** Keeps a topic equal to the objects: the latest row per key and commit, a tombstone when deleted or when `row` gives null. */
  publish<V, const R extends Given<V> | null = Given<V> | null, L extends Scalar = never>(
    target: Topic<V>,
    row: (state: DeepReadonly<S>, key: string) => R | (L & Extract<NoInfer<V>, Scalar>),
  ): StateObject<Name, S, T, Q, B>
  /**
   * Brings state written as `fromVersion` to the next one, each time it is loaded until a turn has changed it: what is
   * stored is left as it is. `step` gets it as the codec's `decodeRaw` does (of JSON: as parsed), may change it, and must
   * return it. After the last step it must fit the schema. An error of a step stops the app, with `STATE_UNREADABLE`.
   */
  migrate(fromVersion: number, step: (old: any) => unknown): StateObject<Name, S, T, Q, B>
}

/**
 * Defines a kind of state object: one object per key, made by `init` when the key is first seen. `name`: 1 to 100 letters,
 * digits, `_` and `.`; no dash, since topics are named after it (`<app>-<kind>-changelog`).
 * Throws `OPTIONS_INVALID` for an option that there is not or that cannot be used, `DEFINITION_INVALID` for a name that cannot.
 */
export function stateObject<
  Name extends string,
  St extends Schema,
  const I extends Given<OutputOf<St>> = Given<OutputOf<St>>,
  L extends Scalar = never,
  W extends Window<OutputOf<St>> | undefined = undefined,
>(name: Name, options: StateOptions<St, I, L, W>): StateObject<Name, OutputOf<St>, {}, {}, BoundsOf<W>> {
  checkKindName(name)
  checkOptions(`state object '${name}'`, options, stateOptions)
  const { state, init, ttl, version = 1, window, checked = true } = options
  const given = options.codec as Codec<unknown> | undefined
  const stored = within(`state object '${name}'`, { kind: name }, () => storedState(state, given, checked))
  const { codec } = stored
  if (version > 1 && codec.decodeRaw === undefined)
    throw refused(
      name,
      `version ${version} needs a codec that reads what older versions have written: add decodeRaw to '${codec.format}'`,
    )
  if (ttl !== undefined && window !== undefined)
    throw refused(name, 'a windowed object is removed when its window closes: leave ttl out')
  const ttlMs = ttl === undefined ? undefined : durationMs(ttl, `state object '${name}': ttl`)
  if (ttlMs === 0) throw refused(name, 'ttl must be more than 0')
  return define<Name, OutputOf<St>, {}, {}, BoundsOf<W>>(name, {
    name,
    ...stored,
    init,
    inputs: [],
    timers: new Map(),
    onClose: undefined,
    publishes: [],
    emits: within(`state object '${name}': emits`, { kind: name }, () =>
      Array.from(options.emits ?? [], (each) => topicNode(each)),
    ),
    queries: new Map(),
    window: window?.definition,
    ttlMs,
    version,
    migrations: new Map(),
  })
}

function define<Name extends string, S, T extends TimerPayloads, Q extends Queries, B extends WindowBounds | undefined>(
  name: Name,
  definition: KindDefinition,
): StateObject<Name, S, T, Q, B> {
  const { inputs, timers, publishes, queries, migrations } = definition
  const withMore = (more: Partial<KindDefinition>): StateObject<Name, S, T, any, B> =>
    define<Name, S, T, any, B>(name, { ...definition, ...more })
  return Object.freeze<StateObject<Name, S, T, Q, B>>({
    kind: 'stateObject' as const,
    name,
    definition: Object.freeze(definition),
    on: (input, key, handler) =>
      withMore({ inputs: [...inputs, inputDefinition(name, inputs, input, key, handler as never)] }),
    timers(payloads, options = {}) {
      checkOptions(`state object '${name}', timers`, options, timersOptions)
      if (options.time === 'event' && options.backlog !== undefined)
        throw refused(name, 'timers by event time know no backlog: leave backlog out')
      return withMore({ timers: declared(name, timers, payloads, options) }) as never
    },
    onTimer(timer, handler, ...more: unknown[]) {
      demandFunction(name, `onTimer('${timer}'): the handler`, handler, more)
      return withMore({ timers: handled(name, timers, timer, handler as never) })
    },
    onClose(handler, ...more: unknown[]) {
      demandFunction(name, 'onClose: the handler', handler, more)
      if (definition.window === undefined) throw refused(name, 'onClose is for windowed kinds: give it a window')
      return withMore({ onClose: handler as never })
    },
    query(question, answer, ...more: unknown[]) {
      demandFunction(name, `query('${question}'): the answer`, answer, more)
      return withMore({ queries: new Map([...queries, [question, answer as never]]) }) as never
    },
    publish(target, row, ...more: unknown[]) {
      demandFunction(name, 'publish: the row', row, more)
      if (definition.window?.kind === 'session')
        throw refused(name, 'sessions have no row until they are over, since they may be merged: emit it in onClose')
      const node = topicNode(target as Topic<never>)
      if (definition.window !== undefined && !takesWindows(node.keys))
        throw refused(
          name,
          `publish to ${node.name}: the key of a row is text with its window in it, '<key>|<start>|<end>', and the keys of this topic are of format ${node.keys.format}. Leave key out where the topic is defined, or emit what is of interest in onClose.`,
        )
      return withMore({ publishes: [...publishes, Object.freeze({ target: node, row })] })
    },
    migrate(from, step, ...more: unknown[]) {
      demandFunction(name, `migrate(${from}): the step`, step, more)
      if (!Number.isInteger(from) || from < 1 || from >= definition.version)
        throw refused(name, `migrate(${from}): steps begin at versions 1 to ${definition.version - 1}`)
      return withMore({ migrations: new Map([...migrations, [from, step]]) })
    },
  })
}

function declared(
  kind: string,
  known: ReadonlyMap<string, TimerDefinition>,
  payloads: Record<string, Schema>,
  { time = 'processing', backlog = 'wait' }: TimersOptions,
): ReadonlyMap<string, TimerDefinition> {
  if (typeof payloads !== 'object' || payloads === null || Array.isArray(payloads))
    throw refused(kind, `timers: ${shown(payloads)}; give names and the schemas of their payloads: { close: z.null() }`)
  const timers = new Map(known)
  for (const [name, schema] of Object.entries(payloads)) {
    if (!isSchema(schema)) throw refused(kind, `timer '${name}' is ${shown(schema)}; give ${schemaRule.give}`)
    if (timers.has(name)) throw refused(kind, `timer '${name}' is declared twice`)
    const stored = within(`state object '${kind}': timer '${name}'`, { kind }, () => storedPayload(schema))
    timers.set(name, Object.freeze({ name, time, backlog, ...stored, handler: undefined }))
  }
  return timers
}

function handled(
  kind: string,
  known: ReadonlyMap<string, TimerDefinition>,
  name: string,
  handler: NonNullable<TimerDefinition['handler']>,
): ReadonlyMap<string, TimerDefinition> {
  const timer = known.get(name)
  if (timer === undefined) throw refused(kind, `onTimer('${name}'): declare it with timers({ ${name}: schema }) first`)
  return new Map([...known, [name, Object.freeze({ ...timer, handler })]])
}

function demandFunction(kind: string, what: string, value: unknown, more: readonly unknown[]): void {
  if (typeof value !== 'function') throw refused(kind, `${what} is ${shown(value)}; give a function`)
  refuseMore(`state object '${kind}', ${what.split(':')[0]}`, more)
}

function refused(kind: string, why: string): MillraceError {
  return new MillraceError('DEFINITION_INVALID', `state object '${kind}': ${why}`, { kind })
}
