import type { Broken } from '../rules/rules.js'
import { base, type RunConfig } from '../run/config.js'
import { plannedCases, plannedMutations } from './planned.js'
import { move, slow, store } from './weights.js'

/** Expected to hold: all rules are kept. */
export interface HoldingCase {
  readonly name: string
  readonly config: RunConfig
}

/** Expected to be caught: one rule is broken. */
export interface Mutation {
  readonly broken: Broken
  readonly config: RunConfig
  /** Runs within which it must be caught. */
  readonly budget: number
  /** Too rare for the test: only the program runs it. */
  readonly long: boolean
}

export function holds(name: string, config: Partial<RunConfig>): HoldingCase {
  return { name, config: { ...base, ...config } }
}

export function caught(broken: Broken, budget: number, config: Partial<RunConfig> = {}, long = false): Mutation {
  return { broken, config: { ...base, ...config, broken }, budget, long }
}

/** Small, so that the same two processes take the same two tasks from each other. */
const twoOfAll = { stateTasks: 2, topics: [2], processes: 2 }
const moveMore = { ...move, kick: 0.3, leave: 0.3 }
/** The group is quicker than its members read its answers. */
const slowMembers = { heartbeat: 14, endRound: 40 }
const tombstones = { deletes: true, retention: 120, weights: store }
const standbys = { standbys: true, deletes: true }
const slowStandbys = { ...standbys, retention: 150, weights: { ...store, standby: 8, compact: 8 } }
/** A restore takes long, compared with the time that tombstones are kept; one process, so that nobody writes meanwhile. */
const slowRestores = {
  deletes: true,
  retention: 900,
  shape: { stateTasks: 2, topics: [2], processes: 1, keys: 2, records: 40, steps: 8_000 },
  weights: {
    takeover: 0.3,
    loseAnswer: 0.5,
    compact: 12,
    produce: 0.6,
    marker: 30,
    crash: 0.02,
    kick: 0.01,
    leave: 0.01,
  },
}

/** A process is stopped while its standby reads. */
const lateStandbys = {
  ...standbys,
  retention: 200,
  shape: { ...twoOfAll, keys: 2, records: 40, steps: 8_000 },
  weights: { standby: 4, compact: 10, produce: 1, pause: 0.3, leave: 0.2, kick: 0.2 },
}

/** All processes die, and the group with them. */
const expiring = { crash: 0.4, start: 0.6, sessionTimeout: 3 }

/** Asynchronous turns last. */
const slowTurns = { ...move, land: 2 }

const timerTurns = { ...move, timer: 12 }

export const holdingCases: readonly HoldingCase[] = [
  holds('hops, three kinds of partitioning', {}),
  holds('moving fast', { weights: move }),
  holds('a source grows, arbitrary partitioning', { growth: true }),
  holds('a source grows, producers partition by key', { growth: true, arbitraryTopics: 0, weights: move }),
  holds('order per key of a topic that is partitioned by key', {
    orderPerKey: true,
    arbitraryTopics: 0,
    alignedTopics: true,
  }),
  holds('nobody is fenced', { fence: 'nobody' }),
  holds('living producers are fenced too', { fence: 'anybody' }),
  holds('members are removed while they commit', {
    weights: { ...move, kick: 0.5, sessionTimeout: 0.5, transactionTimeout: 0.5 },
  }),
  holds('after an abort retained tasks are taken over anew instead of going back', {
    afterAbort: 'anew',
    weights: move,
  }),
  holds('answers of EndTxn are lost', { weights: { ...move, loseAnswer: 3 } }),
  holds('write-behind, deletes, compaction, stores that come back', { deletes: true, retention: 250, weights: store }),
  holds('the same, input spread over many takeovers', {
    deletes: true,
    retention: 400,
    weights: { ...store, ...slow },
  }),
  holds('trimming', { weights: { trim: 12, crash: 0.15, kick: 0.15 } }),
  holds('standbys', { standbys: true, deletes: true, retention: 300, weights: { ...move, standby: 12, flush: 8 } }),
  holds('standbys, input spread over many takeovers', {
    standbys: true,
    deletes: true,
    retention: 300,
    weights: { ...store, ...slow, standby: 16 },
  }),
  holds('all of it', {
    standbys: true,
    deletes: true,
    growth: true,
    weights: { ...move, ...slow, flush: 10, trim: 6, loseAnswer: 0.6 },
    retention: 600,
  }),
  holds('restores that outlive the retention of tombstones', slowRestores),
  holds('standbys of processes that are stopped for long', lateStandbys),
  holds('offsets expire', { expiry: true, deletes: true, growth: true, weights: { ...store, ...slow, ...expiring } }),
  holds('turns that fail', { errors: true, weights: move }),
  holds('a broker refuses records', { refusals: true, weights: move }),
  holds('timers', { timers: true, weights: timerTurns }),
  holds('event time', { eventTime: true }),
  holds('event time, moving fast, a source grows', { eventTime: true, growth: true, weights: move }),
  holds('event time, input spread over many takeovers, stores that come back', {
    eventTime: true,
    deletes: true,
    retention: 400,
    weights: { ...store, ...slow, silent: 0.3 },
  }),
  holds('event time, turns that fail, a broker refuses records', {
    eventTime: true,
    errors: true,
    refusals: true,
    weights: move,
  }),
  holds('asynchronous turns', { slow: true, weights: slowTurns }),
  holds('asynchronous turns that fail', { slow: true, errors: true, deletes: true, weights: slowTurns }),
  holds('asynchronous turns, a broker refuses records', { slow: true, refusals: true, weights: slowTurns }),
  holds('asynchronous turns, timers, deletes, answers are lost', {
    slow: true,
    timers: true,
    deletes: true,
    weights: { ...slowTurns, timer: 12, loseAnswer: 2 },
  }),
  holds('asynchronous turns, refusals, timers, and all of it', {
    slow: true,
    errors: true,
    refusals: true,
    timers: true,
    standbys: true,
    deletes: true,
    growth: true,
    retention: 600,
    weights: { ...slowTurns, ...slow, flush: 10, trim: 6 },
  }),
  holds('turns that fail, refusals, timers, and all of it', {
    eventTime: true,
    errors: true,
    refusals: true,
    timers: true,
    standbys: true,
    deletes: true,
    growth: true,
    retention: 600,
    weights: { ...move, ...slow, flush: 10, trim: 6 },
  }),
  ...plannedCases.map(([name, config]) => holds(name, config)),
]

export const mutations: readonly Mutation[] = [
  caught({ 'route-in-place': 'by-count' }, 5_000, { growth: true, arbitraryTopics: 0, weights: move }),
  caught({ 'route-in-place': 'by-mode' }, 2_000),
  caught({ 'all-positions': 'sources-only' }, 500),
  caught({ 'refused-is-not-ended': 'ignored' }, 500),
  caught({ 'resend-if-retained': 'always' }, 2_000, { weights: move }),
  caught({ 'generation-of-assignment': 'early' }, 2_000, { weights: move }),
  caught({ continuous: 'unread' }, 20_000, {
    shape: { processes: 3, records: 29 },
    weights: { ...moveMore, ...slowMembers, start: 4 },
  }),
  caught({ continuous: 'away' }, 2_000, { weights: { ...move, kick: 0.5 } }),
  caught({ 'loss-drops-current': 'kept' }, 500),
  caught({ 'rewind-to-sealed': 'stay' }, 500, { weights: move }),
  caught({ 'rewind-to-sealed': 'committed' }, 2_000, { weights: move }),
  caught({ 'abort-drops-both': 'keeps-current' }, 500, { afterAbort: 'rewind', weights: move }),
  caught({ 'ask-the-broker': 'assume-aborted' }, 1_000, { weights: { loseAnswer: 3 } }),
  caught({ 'lost-part-skipped': 'written' }, 5_000, {
    shape: twoOfAll,
    weights: { ...moveMore, commit: 6, marker: 30 },
  }),
  caught({ 'positions-with-state': 'none' }, 1_000, { expiry: true, weights: expiring }),
  caught({ 'positions-with-state': 'local' }, 2_000, { expiry: true, weights: { ...store, ...expiring } }),
  caught({ 'positions-with-state': 'with-changes' }, 2_000, { expiry: true, weights: expiring }),
  caught({ 'stable-offsets': 'off' }, 1_000),
  caught({ 'end-after-offsets': 'before' }, 2_000, { weights: move }),
  caught({ 'end-uncommitted': 'lso' }, 1_000, { weights: { marker: 5 } }),
  caught({ 'restore-committed': 'uncommitted' }, 1_000),
  caught({ 'inbox-committed': 'uncommitted' }, 500),
  caught({ 'trim-committed': 'processed' }, 500, { weights: { trim: 12 } }),
  caught({ 'trim-committed': 'accepted' }, 1_000, { weights: { trim: 12 } }),
  caught({ 'local-never-ahead': 'sealed' }, 1_000, { weights: store }),
  caught({ 'one-batch': 'offset-first' }, 1_000, { weights: store }),
  caught({ 'own-append': 'log-end' }, 1_000, { weights: store }),
  caught({ 'flush-before-close': 'late' }, 5_000, {
    retention: 120,
    shape: twoOfAll,
    weights: { ...moveMore, flush: 2 },
  }),
  caught({ 'age-at-open': 'unchecked' }, 2_000, tombstones),
  caught({ 'age-while-reading': 'unchecked' }, 60_000, slowRestores, true),
  caught({ 'age-while-reading': 'at-end' }, 60_000, slowRestores, true),
  caught({ 'standby-committed': 'uncommitted' }, 2_000, { ...standbys, weights: { ...move, standby: 12 } }),
  caught({ 'standby-age': 'when-asked' }, 2_000, lateStandbys),
  caught({ 'standby-age': 'unchecked' }, 20_000, slowStandbys),
  caught({ 'standby-age': 'every-piece' }, 40_000, slowStandbys),
  caught({ 'standby-age': 'trusted' }, 20_000, slowStandbys),
  caught({ 'attach-touched': 'moved' }, 20_000, { timers: true, weights: timerTurns }),
  caught({ 'attach-touched': 'none' }, 20_000, { timers: true, weights: { timer: 12 } }),
  caught({ 'blame-alone': 'first-of-many' }, 500, { refusals: true }),
  caught({ 'blame-alone': 'last-taken' }, 500, { refusals: true }),
  caught({ 'quarantine-in-state': 'in-memory' }, 1_000, { errors: true }),
  caught({ 'marks-in-commit': 'at-once' }, 1_000, { eventTime: true, weights: { ...move, silent: 0.1 } }),
  caught({ 'marks-as-sealed': 'furthest' }, 2_000, {
    eventTime: true,
    errors: true,
    refusals: true,
    weights: { silent: 0.1 },
  }),
  caught({ 'all-origins': 'heard-only' }, 500, { eventTime: true }),
  caught({ 'silence-of-source': 'at-inbox' }, 500, { eventTime: true }),
  caught({ 'silence-of-source': 'unread' }, 500, { eventTime: true }),
  caught({ 'time-in-state': 'in-memory' }, 500, { eventTime: true, weights: move }),
  caught({ 'blame-alone': 'taken-only' }, 2_000, { slow: true, refusals: true, weights: { land: 2 } }),
  caught({ 'park-before-seal': 'no-row' }, 1_000, { slow: true, weights: slowTurns }),
  caught({ 'park-before-seal': 'first-only' }, 2_000, { slow: true, weights: slowTurns }),
  caught({ 'sealed-as-before': 'as-it-is' }, 1_000, { slow: true, weights: slowTurns }),
  caught({ 'row-ends-with-effect': 'earlier' }, 2_000, { slow: true, weights: slowTurns }),
  caught({ 'row-ends-with-effect': 'never' }, 500, { slow: true }),
  caught({ 'cut-off-lost': 'taken-back' }, 2_000, { slow: true, weights: slowTurns }),
  caught({ 'cut-off-lost': 'task-gone' }, 2_000, { slow: true, weights: slowTurns }),
  caught({ 'behind-the-parked': 'pass' }, 500, { slow: true }),
  ...plannedMutations.map(([broken, budget, config]) => caught(broken, budget, config)),
]

/** `rule: variant`, the name of a mutation. */
export function nameOf({ broken }: Mutation): string {
  return Object.entries(broken)
    .map(([rule, variant]) => `${rule}: ${variant}`)
    .join(', ')
}
