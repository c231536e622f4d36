import { durationMs, type Duration } from '../core/duration.js'
import { MillraceError } from '../core/errors.js'
import { callback, checkOptions, duration, object, oneOf, required, shown, whole, type Rules } from '../core/options.js'
import type { RecordInfo } from '../core/record.js'
import type { ErrorPolicy, InputDefinition, Route } from './kind.js'
import { demandStream, sourceNames, type Stream } from './stream.js'

/** Which object a value belongs to; `null` drops the record. */
export type KeyExtractor<V> = (value: V, record: RecordInfo) => string | null

/** How one input reaches its objects, and what happens when a turn of it fails. */
export interface InputOptions<V> {
  readonly key: KeyExtractor<V>
  /** @default 'auto' */
  readonly route?: Route
  readonly onError?: OnError
  /** How long an asynchronous handler may take; then its turn has failed. @default '30s' */
  readonly turnTimeout?: Duration
}

/** The turn is undone and tried again later, while records of the same object wait; other objects go on. */
export interface OnError {
  /** Turns tried in all. @default 5 */
  readonly attempts?: number
  /** Before the second one; doubled each time, up to a minute. @default '100ms' */
  readonly backoff?: Duration
  /**
   * After the last one. `dead-letter`: the record goes to `<app>-dlq`, and later ones of its object follow it there, in order,
   * until they are replayed; `skip`: it is counted and forgotten; `stop`: the app stops. @default 'dead-letter'
   */
  readonly then?: 'dead-letter' | 'skip' | 'stop'
}

const inputOptions: Rules<InputOptions<never>> = {
  key: required(callback("a function that gives the object's key, or null")),
  route: oneOf('auto', 'aligned', 'shuffle'),
  onError: object('an object with attempts, backoff, then'),
  turnTimeout: duration,
}
const errorOptions: Rules<OnError> = {
  attempts: whole(1),
  backoff: duration,
  then: oneOf('dead-letter', 'skip', 'stop'),
}

/** What applies where nothing is said, and to the turns of timers and closing windows. */
export const defaultErrorPolicy: ErrorPolicy = Object.freeze({ attempts: 5, backoffMs: 100, then: 'dead-letter' })

const defaultTurnTimeoutMs = 30_000

/** Throws `DEFINITION_INVALID` and `OPTIONS_INVALID`, naming the input. */
export function inputDefinition<V>(
  kind: string,
  known: readonly InputDefinition[],
  input: Stream<V>,
  key: KeyExtractor<V> | InputOptions<V>,
  handler: InputDefinition['handler'],
): InputDefinition {
  demandStream(input, `state object '${kind}', on`)
  const options: InputOptions<V> = typeof key === 'function' ? { key } : key
  const sources = sourceNames(input.node).join('+')
  const id = `${sources}#${known.filter((other) => other.id.startsWith(`${sources}#`)).length}`
  const where = `state object '${kind}', on ${id}`
  checkOptions(where, options, inputOptions)
  if (typeof handler !== 'function')
    throw new MillraceError('DEFINITION_INVALID', `${where}: the handler is ${shown(handler)}; give a function`, {
      kind,
    })
  return Object.freeze({
    id,
    from: input.node,
    key: options.key,
    route: options.route ?? 'auto',
    onError: errorPolicy(options.onError ?? {}, `${where}: onError`),
    turnTimeoutMs: durationMs(options.turnTimeout ?? defaultTurnTimeoutMs, `${id}: turnTimeout`),
    handler,
  })
}

function errorPolicy(onError: OnError, where: string): ErrorPolicy {
  checkOptions(where, onError, errorOptions)
  const { attempts = defaultErrorPolicy.attempts, backoff = defaultErrorPolicy.backoffMs } = onError
  const backoffMs = durationMs(backoff, `${where}.backoff`)
  return Object.freeze({ attempts, backoffMs, then: onError.then ?? defaultErrorPolicy.then })
}
