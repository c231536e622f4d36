import type { Clock } from '../core/clock.js'
import { MillraceError } from '../core/errors.js'
import type { Logger } from '../core/logger.js'
import type { StateMeter } from '../core/telemetry/state-meter.js'
import type { LogPort, TopicInfo } from '../log/port.js'
import type { Store, StoreFolder } from '../store/store.js'
import { tooOld, whyRestore, type StoreMeta } from './meta.js'
import { changelogFacts, discardStore, openStore, type TaskFacts } from './open-store.js'
import { rollForward, type ChangelogTail } from './roll-forward.js'
import { StateCodec } from './state-codec.js'
import type { StateKind } from './table.js'
import { TaskState } from './task-state.js'

/** How often a takeover begins, while what it reads is deleted under it. */
const mostTries = 3

/** A kind and the changelog it is bound to. */
export interface Changelog {
  readonly kind: StateKind
  readonly topic: string
  readonly info: TopicInfo
  /** Whether it holds where tasks stand, too. @default false */
  readonly hasStandings?: boolean
}

/** How far a takeover is. All counts begin with it, so rate and remaining time follow from the time since. */
export interface RestoreProgress {
  readonly task: number
  /** Changelog records applied. */
  readonly records: number
  /** Bytes of changelog read. */
  readonly bytes: number
  /** Changelog offsets passed, of `end`. Control records, aborted ones and gaps count, so `records` can be less. */
  readonly position: number
  /** Changelog offsets there were to pass when the takeover began. */
  readonly end: number
}

export interface TakeOverOptions {
  readonly log: LogPort
  readonly folder: StoreFolder
  readonly clock: Clock
  readonly logger: Logger
  readonly bootId: string | undefined
  readonly task: number
  readonly changelogs: readonly Changelog[]
  /** Whether changelogs are written in transactions only. @default false */
  readonly transactional?: boolean
  readonly cacheEntries: number
  readonly meter?: StateMeter
  readonly signal: AbortSignal
  /** Asked before a store is removed because a changelog was made anew; see `openStore`. */
  readonly onMadeAnew?: (changelog: string) => Promise<void>
  /** Called when something is to be restored, and after each batch of it. */
  readonly onProgress: (progress: RestoreProgress) => void
}

/**
 * Opens the state of a task and rolls it forward to the end of its changelogs. Call it only when the task's committed
 * offsets are stable: the ends are read here, and nothing committed may come after them.
 * Resolves to undefined when `signal` aborted.
 */
export async function takeOver(options: TakeOverOptions): Promise<TaskState | undefined> {
  for (let tries = 1; ; tries++) {
    // Rule end-after-offsets (integration/model).
    const facts = await factsFor(options)
    try {
      return await openAndCatchUp(options, facts).catch((error: unknown) => restoreDamaged(options, facts, error))
    } catch (error) {
      // What was to be read has been deleted meanwhile: where the changelog begins now says what is to be done with the store.
      if (!MillraceError.is(error, 'OFFSET_OUT_OF_RANGE') || tries === mostTries) throw error
      options.logger.warn(
        { err: error, task: options.task },
        `task ${options.task}: restoring begins anew: ${error.message}`,
      )
    }
  }
}

/**
 * Rolls a state that is open already forward again, after a commit that failed or whose outcome is unknown. One that has
 * stood still for so long that it cannot be rolled forward is restored like one found on disk.
 * Resolves to undefined, with the state closed, when `signal` aborted.
 */
export async function catchUpAgain(state: TaskState, options: TakeOverOptions): Promise<TaskState | undefined> {
  const { clock, bootId } = options
  const facts = await factsFor(options)
  const { store, meta } = state.rolling
  if (whyRestore(meta, facts, { now: clock.now(), bootId }) !== undefined) {
    await state.close()
    return takeOver(options)
  }
  try {
    const rolled = await roll(options, facts, store, meta)
    if (rolled !== undefined) {
      state.rolledForward(rolled)
      return state
    }
  } catch (error) {
    await state.close().catch(() => undefined)
    if (MillraceError.is(error, 'OFFSET_OUT_OF_RANGE')) return takeOver(options)
    return restoreDamaged(options, facts, error)
  }
  await state.close()
  return undefined
}

/** Goes on after damage that only showed when the store was written to; anything else is thrown on. */
async function restoreDamaged(
  options: TakeOverOptions,
  facts: TaskFacts,
  error: unknown,
): Promise<TaskState | undefined> {
  if (!MillraceError.is(error, 'STORE_DAMAGED')) throw error
  await discardStore(options, error.message)
  return openAndCatchUp(options, facts)
}

async function openAndCatchUp(options: TakeOverOptions, facts: TaskFacts): Promise<TaskState | undefined> {
  const { folder, task, clock, bootId, logger, onMadeAnew } = options
  const opened = await openStore({ folder, task, facts, now: clock.now(), bootId, logger, onMadeAnew })
  const { store, meta } = opened
  const rolled = await roll(options, facts, store, meta).catch(async (error: unknown) => {
    await store.close()
    throw error
  })
  if (rolled === undefined) {
    await store.close()
    return undefined
  }
  return stateOver(options, opened.bulk ? await reopen(options, store) : store, rolled)
}

function stateOver(
  { task, changelogs, cacheEntries, clock, meter }: TakeOverOptions,
  store: Store,
  meta: StoreMeta,
): TaskState {
  return new TaskState({ task, kinds: changelogs.map(({ kind }) => kind), store, meta, cacheEntries, clock, meter })
}

async function roll(
  options: TakeOverOptions,
  facts: TaskFacts,
  store: Store,
  meta: StoreMeta,
): Promise<StoreMeta | undefined> {
  const { log, task, clock, signal } = options
  const startedAt = clock.now()
  const tails = tailsOf(options, facts, meta)
  const onApplied = reporter(options, tails)
  const rolled = await rollForward({
    log,
    task,
    store,
    meta: { ...meta, bootId: options.bootId },
    tails,
    signal,
    demandComplete: () => demandYoung(options, facts, meta),
    onApplied,
  })
  return rolled === undefined ? undefined : { ...rolled, appliedAt: startedAt }
}

/** Reading can outlive the retention of tombstones. */
function demandYoung({ task, clock }: TakeOverOptions, facts: TaskFacts, meta: StoreMeta): void {
  for (const [topic, fact] of facts) {
    if (!tooOld(meta, topic, fact, clock.now())) continue
    throw new MillraceError(
      'STORE_FAILED',
      `task ${task}: restoring took longer than delete.retention.ms (${fact.tombstoneRetentionMs} ms) of ${topic}, so deletions may have been missed. Raise delete.retention.ms and start again.`,
      { topic, partition: task },
    )
  }
}

/** What is missing in a store, changelog by changelog. */
export function tailsOf(
  { changelogs }: Pick<TakeOverOptions, 'changelogs'>,
  facts: TaskFacts,
  meta: StoreMeta,
): readonly ChangelogTail[] {
  return changelogs.map(({ kind, topic, info, hasStandings = false }): ChangelogTail => {
    const { start = 0, end = 0 } = facts.get(topic) ?? {}
    return {
      topic,
      topicId: info.id,
      kind,
      stored: new StateCodec(kind),
      hasStandings,
      from: meta.changelogs[topic]?.offset ?? start,
      end,
    }
  })
}

/** Adds up what is applied and reports it. */
function reporter(
  { task, onProgress }: TakeOverOptions,
  tails: readonly ChangelogTail[],
): (records: number, bytes: number, position: number) => void {
  const end = tails.reduce((sum, tail) => sum + Math.max(0, tail.end - tail.from), 0)
  let progress: RestoreProgress = { task, records: 0, bytes: 0, position: 0, end }
  if (end > 0) onProgress(progress)
  return (records, bytes, position) => {
    progress = { task, records: progress.records + records, bytes: progress.bytes + bytes, position, end }
    onProgress(progress)
  }
}

const factsFor = ({ log, task, changelogs, transactional }: TakeOverOptions): Promise<TaskFacts> =>
  changelogFacts(log, task, changelogs, transactional)

async function reopen({ folder, task }: TakeOverOptions, store: Store): Promise<Store> {
  await store.close()
  return folder.open(task, { purpose: 'live' })
}
