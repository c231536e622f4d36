import { durationMs, type Duration } from '../core/duration.js'
import { MillraceError } from '../core/errors.js'
import { callback, checkOptions, duration, oneOf, required, rule, type Rule, type Rules } from '../core/options.js'
import type { Given } from './deep-readonly.js'

/** What happens to a record that comes when its window has been closed. */
export type LatePolicy = 'dead-letter' | 'skip' | 'stop'

export interface WindowOptions {
  /** How long after its end a window waits for records that are late, in event time. @default 0 */
  readonly grace?: Duration
  /** What becomes of records that come when their window has closed. @default 'dead-letter' */
  readonly late?: LatePolicy
}

export interface TumblingOptions extends WindowOptions {
  /**
   * Name of a time zone, such as `'Europe/Berlin'`: windows begin at its midnights, and the days on which clocks change have
   * 23 or 25 hours. The size must be whole days. @default UTC
   */
  readonly zone?: string
}
export interface HoppingOptions extends WindowOptions {
  /** From the beginning of one window to that of the next. */
  readonly every: Duration
}
export interface SessionOptions<S, R> extends WindowOptions {
  /** Makes one state of those of two bursts that turn out to be one; it may change and return one of them. */
  readonly merge: (earlier: S, later: S) => R
}

const windowOptions: Rules<WindowOptions> = { grace: duration, late: oneOf('dead-letter', 'skip', 'stop') }
const tumblingOptions: Rules<TumblingOptions> = {
  ...windowOptions,
  zone: rule("the name of a time zone, such as 'Europe/Berlin'", isZone),
}
const hoppingOptions: Rules<HoppingOptions> = { ...windowOptions, every: required(duration) }
const sessionOptions: Rules<SessionOptions<never, unknown>> = {
  ...windowOptions,
  merge: required(callback('a function that makes one state of those of two bursts')),
}

/** How the objects of a kind are split over time. `S` is what they hold, where that matters. */
export interface Window<S = any> {
  readonly kind: 'tumbling' | 'hopping' | 'session'
  readonly definition: WindowDefinition
  readonly _state?: S
}

export const windowRule: Rule = {
  give: "a window: tumbling('1m'), hopping('5m', { every: '1m' }) or session('30m', { merge })",
  fits: (value) => typeof (value as Partial<Window> | null)?.definition?.kind === 'string',
  required: false,
}

/** Milliseconds throughout. */
export type WindowDefinition = FixedWindow | SessionWindow

/** Tumbling when `everyMs` equals `sizeMs`. */
export interface FixedWindow {
  readonly kind: 'tumbling' | 'hopping'
  readonly sizeMs: number
  readonly everyMs: number
  /** Its days are those of a time zone; undefined: of UTC. */
  readonly zone: string | undefined
  readonly graceMs: number
  readonly late: LatePolicy
}
export interface SessionWindow {
  readonly kind: 'session'
  readonly gapMs: number
  readonly graceMs: number
  readonly late: LatePolicy
  readonly merge: (earlier: never, later: never) => unknown
}

export const dayMs = 86_400_000
/** A thousand years: with it no window that a Date's time is in ends where whole numbers do. */
const longestMs = 365_250 * dayMs
/** Each is a turn of its own. */
const mostWindows = 100_000

/** Windows of one size, one after the other: `[start, end)`, aligned to the epoch, or to midnights in a time zone. */
export function tumbling(size: Duration, options: TumblingOptions = {}): Window {
  checkOptions('tumbling', options, tumblingOptions)
  const sizeMs = positive(size, 'tumbling: size')
  const { zone } = options
  if (zone !== undefined) demandDays(sizeMs)
  return window({ kind: 'tumbling', sizeMs, everyMs: sizeMs, zone, ...common(options) })
}

/** Windows of one size that begin every so often, and overlap: a record is in `size / every` of them. */
export function hopping(size: Duration, options: HoppingOptions): Window {
  refuseZone('hopping', options)
  checkOptions('hopping', options, hoppingOptions)
  const sizeMs = positive(size, 'hopping: size')
  const everyMs = positive(options.every, 'hopping: every')
  if (sizeMs % everyMs !== 0 || everyMs > sizeMs) {
    throw new MillraceError(
      'DEFINITION_INVALID',
      `hopping: size (${sizeMs} ms) must be a multiple of every (${everyMs} ms), or records would be in windows of different number`,
    )
  }
  if (sizeMs / everyMs > mostWindows) {
    throw new MillraceError(
      'DEFINITION_INVALID',
      `hopping: each record would be in ${sizeMs / everyMs} windows, and have a turn in each; at most ${mostWindows} are allowed. Let them begin less often.`,
    )
  }
  return window({ kind: 'hopping', sizeMs, everyMs, zone: undefined, ...common(options) })
}

/**
 * A window per burst of activity: it ends `gap` after its last record. Two bursts that turn out to be one are merged, the
 * later into the earlier.
 */
export function session<S, const R extends Given<S> = Given<S>>(
  gap: Duration,
  options: SessionOptions<S, R>,
): Window<S> {
  refuseZone('session', options)
  checkOptions('session', options, sessionOptions)
  return window({ kind: 'session', gapMs: positive(gap, 'session: gap'), merge: options.merge, ...common(options) })
}

function window(definition: WindowDefinition): Window {
  return Object.freeze({ kind: definition.kind, definition: Object.freeze(definition) })
}

function common({ grace = 0, late = 'dead-letter' }: WindowOptions): { graceMs: number; late: LatePolicy } {
  return { graceMs: demandSpan(durationMs(grace, 'grace'), 'grace'), late }
}

function positive(duration: Duration, what: string): number {
  const ms = durationMs(duration, what)
  if (ms > 0) return demandSpan(ms, what)
  throw new MillraceError('DEFINITION_INVALID', `${what} must be more than 0`)
}

function demandSpan(ms: number, what: string): number {
  if (Number.isInteger(ms) && ms <= longestMs) return ms
  throw new MillraceError(
    'DEFINITION_INVALID',
    `${what}: ${ms} ms; give whole milliseconds, and no more than a thousand years`,
  )
}

function demandDays(sizeMs: number): void {
  if (sizeMs % dayMs === 0) return
  throw new MillraceError(
    'DEFINITION_INVALID',
    `tumbling: a window of ${sizeMs} ms has no midnights to begin at; with a zone the size must be whole days, such as '1d'. Calendar weeks and months are not supported.`,
  )
}

function isZone(zone: unknown): boolean {
  try {
    if (typeof zone === 'string')
      return new Intl.DateTimeFormat('en-US', { timeZone: zone }).formatToParts(0).length > 0
  } catch {
    // There is none of that name.
  }
  return false
}

/** The list of options would not say why there is none. */
function refuseZone(what: string, options: Partial<TumblingOptions> | undefined): void {
  if (options?.zone === undefined) return
  throw new MillraceError(
    'DEFINITION_INVALID',
    `${what}: only tumbling windows of whole days can follow a time zone; leave zone out`,
  )
}
