import { durationForm, durationMs, type Duration } from '../core/duration.js'
import { MillraceError } from '../core/errors.js'
import {
  callback,
  checkOptions,
  duration,
  holdsOptions,
  object,
  oneOf,
  positive,
  required,
  rule,
  shown,
  whole,
  type Rules,
} from '../core/options.js'
import type { RecordInfo } from '../core/record.js'
import type { BreakerPolicy, ErrorPolicy, InputDefinition, Route } from './kind.js'
import { demandStream, sourceNames, type Stream } from './stream.js'

/** Which object a value belongs to; `null` drops the record. */
export type KeyExtractor<V> = (value: V, record: RecordInfo) => string | null

/** How one input reaches its objects, and what happens when a turn of it fails. */
export interface InputOptions<V> {
  /** Which object a value belongs to; `null` drops the record. */
  readonly key: KeyExtractor<V>
  /** Whether a record may have its turn in the partition it is in, and where else. @default 'auto' */
  readonly route?: Route
  /** What becomes of a turn that fails. */
  readonly onError?: OnError
  /** Pauses the input while what its handler asks for is down, instead of trying every object. @default none */
  readonly breaker?: BreakerOptions
  /** How long an asynchronous handler may take; then its turn has failed. @default '30s' */
  readonly turnTimeout?: Duration
}

/**
 * The turn is undone and tried again later, while records of the same object wait; other objects go on. By default until it has
 * waited for 15 minutes in all.
 */
export interface OnError {
  /**
   * Before the second attempt; doubled before each further one, up to 30 s. Or both: the first wait and the longest. Each is
   * cut by up to a half, by chance, so that what failed together is not tried again together. @default '100ms'
   */
  readonly backoff?: Duration | Backoff
  /** How long it waits between attempts, all in all. @default '15m', or without end where `attempts` are given */
  readonly for?: Duration
  /** Turns tried in all, the first included. @default as many as there is time for */
  readonly attempts?: number
  /**
   * After the last one. `dead-letter`: the record goes to `<app>-dlq`, and later ones of its object follow it there, in order,
   * until they are replayed; `skip`: it is counted and forgotten; `stop`: the app stops. @default 'dead-letter'
   */
  readonly then?: 'dead-letter' | 'skip' | 'stop'
  /**
   * How long later records of an object follow one that is a dead letter. Then they have their turns again, and what is a
   * dead letter by then is missing until it is replayed. Only with `dead-letter`. @default until its dead letters are replayed, or `release` of the app
   */
  readonly quarantine?: Duration
}

/**
 * After so many objects in a row have failed, and none has succeeded, the input pauses in this process: its records stay where they are, and a turn is
 * tried at intervals until one succeeds. What fails meanwhile costs no attempt. `health().paused` names such inputs.
 */
export interface BreakerOptions {
  /** Different objects whose turns fail one after the other. */
  readonly after: number
  /** Between two turns that are tried while it pauses. @default '5s' */
  readonly probe?: Duration
}

/** Waits between attempts. */
export interface Backoff {
  /** The first. @default '100ms' */
  readonly from?: Duration
  /** The longest. @default '30s' */
  readonly to?: Duration
}

const inputOptions: Rules<InputOptions<never>> = {
  key: required(callback("a function that gives the object's key, or null")),
  route: oneOf('auto', 'aligned', 'shuffle'),
  onError: object('an object with backoff, for, attempts, then, quarantine'),
  breaker: object('an object with after and probe'),
  turnTimeout: positive,
}
const breakerOptions: Rules<BreakerOptions> = { after: required(whole(1, 1_000_000)), probe: positive }
const errorOptions: Rules<OnError> = {
  backoff: rule(
    `${durationForm}, or an object with from and to`,
    (value) => holdsOptions(value) || duration.fits(value),
  ),
  for: duration,
  attempts: whole(1),
  then: oneOf('dead-letter', 'skip', 'stop'),
  quarantine: positive,
}
const backoffOptions: Rules<Backoff> = { from: duration, to: duration }

/** What applies where nothing is said, and to the turns of timers and closing windows. */
export const defaultErrorPolicy: ErrorPolicy = Object.freeze({
  attempts: Infinity,
  backoffMs: 100,
  mostBackoffMs: 30_000,
  forMs: 900_000,
  quarantineMs: undefined,
  then: 'dead-letter',
})

const defaultProbeMs = 5_000
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
    breaker: options.breaker && breakerPolicy(options.breaker, `${where}: breaker`),
    turnTimeoutMs: durationMs(options.turnTimeout ?? defaultTurnTimeoutMs, `${id}: turnTimeout`),
    handler,
  })
}

function breakerPolicy(options: BreakerOptions, where: string): BreakerPolicy {
  checkOptions(where, options, breakerOptions)
  const { after, probe = defaultProbeMs } = options
  return Object.freeze({ after, probeMs: durationMs(probe, `${where}.probe`) })
}

function errorPolicy(onError: OnError, where: string): ErrorPolicy {
  checkOptions(where, onError, errorOptions)
  const { attempts, then = defaultErrorPolicy.then, quarantine } = onError
  if (quarantine !== undefined && then !== 'dead-letter')
    throw new MillraceError(
      'OPTIONS_INVALID',
      `${where}: quarantine is how long later records follow a dead letter, and with then: '${then}' there is none; leave one of them out.`,
    )
  const forMs = attempts === undefined ? defaultErrorPolicy.forMs : Infinity
  const waits = waitsOf(onError.backoff ?? {}, `${where}.backoff`)
  if (waits.backoffMs === 0 && attempts === undefined)
    throw new MillraceError('OPTIONS_INVALID', `${where}: with a backoff of 0 attempts have no end; give attempts too.`)
  return Object.freeze({
    attempts: attempts ?? Infinity,
    ...waits,
    forMs: onError.for === undefined ? forMs : durationMs(onError.for, `${where}.for`),
    quarantineMs: quarantine === undefined ? undefined : durationMs(quarantine, `${where}.quarantine`),
    then,
  })
}

function waitsOf(backoff: Duration | Backoff, where: string): Pick<ErrorPolicy, 'backoffMs' | 'mostBackoffMs'> {
  const { from = defaultErrorPolicy.backoffMs, to }: Backoff = typeof backoff === 'object' ? backoff : { from: backoff }
  if (typeof backoff === 'object') checkOptions(where, backoff, backoffOptions)
  const backoffMs = durationMs(from, `${where}.from`)
  if (to === undefined) return { backoffMs, mostBackoffMs: Math.max(backoffMs, defaultErrorPolicy.mostBackoffMs) }
  const mostBackoffMs = durationMs(to, `${where}.to`)
  if (mostBackoffMs >= backoffMs) return { backoffMs, mostBackoffMs }
  throw new MillraceError('OPTIONS_INVALID', `${where}: to (${mostBackoffMs} ms) is less than from (${backoffMs} ms).`)
}
