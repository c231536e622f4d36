import { durationMs, type Duration } from '../core/duration.js'
import { MillraceError } from '../core/errors.js'
import { callback, checkOptions, duration, oneOf, required, type Rule, type Rules } from '../core/options.js'
import type { Given } from './deep-readonly.js'

/** What happens to a record that comes when its window has been closed. */
export type LatePolicy = 'dead-letter' | 'skip' | 'stop'

export interface WindowOptions {
  /** How long after its end a window waits for records that are late, in event time. @default 0 */
  readonly grace?: Duration
  /** @default 'dead-letter' */
  readonly late?: LatePolicy
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

/** Windows of one size, one after the other: `[start, end)`, aligned to the epoch. */
export function tumbling(size: Duration, options: WindowOptions = {}): Window {
  checkOptions('tumbling', options, windowOptions)
  const sizeMs = positive(size, 'tumbling: size')
  return window({ kind: 'tumbling', sizeMs, everyMs: sizeMs, ...common(options) })
}

/** Windows of one size that begin every so often, and overlap: a record is in `size / every` of them. */
export function hopping(size: Duration, options: HoppingOptions): Window {
  checkOptions('hopping', options, hoppingOptions)
  const sizeMs = positive(size, 'hopping: size')
  const everyMs = positive(options.every, 'hopping: every')
  if (sizeMs % everyMs !== 0 || everyMs > sizeMs) {
    throw new MillraceError(
      'DEFINITION_INVALID',
      `hopping: size (${sizeMs} ms) must be a multiple of every (${everyMs} ms), or records would be in windows of different number`,
    )
  }
  return window({ kind: 'hopping', sizeMs, everyMs, ...common(options) })
}

/**
 * A window per burst of activity: it ends `gap` after its last record. Two bursts that turn out to be one are merged, the
 * later into the earlier.
 */
export function session<S, const R extends Given<S> = Given<S>>(
  gap: Duration,
  options: SessionOptions<S, R>,
): Window<S> {
  checkOptions('session', options, sessionOptions)
  return window({ kind: 'session', gapMs: positive(gap, 'session: gap'), merge: options.merge, ...common(options) })
}

function window(definition: WindowDefinition): Window {
  return Object.freeze({ kind: definition.kind, definition: Object.freeze(definition) })
}

function common({ grace = 0, late = 'dead-letter' }: WindowOptions): { graceMs: number; late: LatePolicy } {
  return { graceMs: durationMs(grace, 'grace'), late }
}

function positive(duration: Duration, what: string): number {
  const ms = durationMs(duration, what)
  if (ms > 0) return ms
  throw new MillraceError('DEFINITION_INVALID', `${what} must be more than 0`)
}
