import { types } from 'node:util'
import { appRules } from '../app/options.js'
import type { Duration } from '../core/duration.js'
import type { Logger } from '../core/logger.js'
import { anything, callback, oneOf, positive, rule, whole, type Rules } from '../core/options.js'
import { latestTimeMs } from '../core/record-checks.js'
import type { LookupTable } from '../model/lookup.js'
import type { AnyStateObject } from '../model/state-object.js'
import type { Flow } from '../model/stream.js'
import type { Guarantee } from '../runtime/setup/engine-options.js'

/**
 * What a call does when a turn fails, or a record becomes a dead letter. `reject`: it rejects with the error, after all that
 * could be done was done; the driver can be used on. `expect`: the test means it, and looks at what became of it, for example
 * by `deadLetters()`.
 */
export type FailureMode = 'reject' | 'expect'

export interface TestDriverOptions {
  /** As given to `createApp`. */
  readonly objects?: readonly AnyStateObject[]
  /** As given to `createApp`. */
  readonly flows?: readonly Flow[]
  /** What is sent to their topics is seen by what is sent next. */
  readonly lookups?: readonly LookupTable<unknown>[]
  /** Of every topic. @default 4 */
  readonly partitions?: number
  /** As given to `createApp`. @default 'exactly-once' */
  readonly guarantee?: Guarantee
  /** Of all calls that do not say otherwise. @default 'reject' */
  readonly failures?: FailureMode
  /**
   * `every-record`: each turn runs twice, first on a copy of its object, and must come to the same; a handler that goes by the
   * clock or by chance is found so. Each run has a value of its own. @default 'none'
   */
  readonly replay?: 'none' | 'every-record'
  /** What the clock shows at the beginning; `advance` moves it. @default the beginning of 2026, UTC */
  readonly now?: Date | number
  /** Objects kept in memory; twice as many at most. With 1 nearly every turn reads its object from the store. @default 10000 */
  readonly cacheEntries?: number
  /**
   * Real time, not that of the driver's clock: a call that has nothing to show for so long rejects with `TEST_STUCK`, which says
   * what it waits for. An asynchronous handler may be what it waits for. @default '4s'
   */
  readonly patience?: Duration
  /** What the app would log. @default silent */
  readonly logger?: Logger
}

/** What every call of the driver takes. */
export interface CallOptions {
  /** Whether a turn that fails fails the call. @default as the driver was told */
  readonly failures?: FailureMode
}

export interface SendOptions extends CallOptions {
  /** Of the record. @default null */
  readonly key?: string | null
  /** Milliseconds since the epoch. @default the driver's clock */
  readonly timestamp?: number
  /** Names and values. @default none */
  readonly headers?: Readonly<Record<string, string | Uint8Array>>
}

/** What the values that are sent together have in common. */
export interface SendAllOptions<V> extends CallOptions {
  /** Of each record. @default none */
  readonly key?: (value: V) => string | null
}

const { objects, flows, lookups, guarantee, logger, cacheEntries } = appRules
const failures = oneOf('reject', 'expect')

export const driverOptions: Rules<TestDriverOptions> = {
  objects,
  flows,
  lookups,
  partitions: whole(1, 10_000),
  guarantee,
  failures,
  replay: oneOf('none', 'every-record'),
  now: rule('a Date, or milliseconds since 1970', (value) => timeOf(value) !== undefined),
  cacheEntries,
  patience: positive,
  logger,
}
export const callOptions: Rules<CallOptions> = { failures }
export const sendOptions: Rules<SendOptions> = { key: anything, timestamp: anything, headers: anything, failures }
export const sendAllOptions: Rules<SendAllOptions<never>> = {
  key: callback('a function that gives the key, or null'),
  failures,
}

/** Whole milliseconds of what may be a time; undefined when it is none. */
export function timeOf(value: unknown): number | undefined {
  const ms = types.isDate(value) ? value.getTime() : value
  return typeof ms === 'number' && Math.abs(ms) <= latestTimeMs ? Math.floor(ms) : undefined
}
