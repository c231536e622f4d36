import { storedCodec } from '../codec/stored.js'
import type { Clock } from '../core/clock.js'
import { MillraceError } from '../core/errors.js'
import type { Logger } from '../core/logger.js'
import { offsetOf } from '../core/record.js'
import type { LogPort, TopicInfo } from '../log/port.js'
import type { Store, StoreFolder } from '../store/store.js'
import { metaKey, readMeta, tooOld, whyRestore, type ChangelogFacts, type StoreMeta } from './meta.js'
import { rollForward, type ChangelogTail } from './roll-forward.js'
import type { StateKind } from './table.js'
import { TaskState } from './task-state.js'

/** A kind and the changelog it is bound to. */
export interface Changelog {
  readonly kind: StateKind
  readonly topic: string
  readonly info: TopicInfo
}

export interface TakeOverOptions {
  readonly log: LogPort
  readonly folder: StoreFolder
  readonly clock: Clock
  readonly logger: Logger
  readonly bootId: string | undefined
  readonly task: number
  readonly changelogs: readonly Changelog[]
  readonly cacheEntries: number
  readonly signal: AbortSignal
  readonly onProgress: (records: number, bytes: number) => void
}

/** `delete.retention.ms` where a broker does not say: Kafka's default, a day. */
const defaultRetentionMs = 86_400_000

/** Changelog records from which a store is opened with the settings for bulk loading. */
const bulkRecords = 200_000

/**
 * Opens the state of a task and rolls it forward to the end of its changelogs. Call it only when the task's committed
 * offsets are stable: the ends are read here, and nothing committed may come after them.
 * Resolves to undefined when `signal` aborted.
 */
export async function takeOver(options: TakeOverOptions): Promise<TaskState | undefined> {
  const facts = await changelogFacts(options)
  const found = await openStore(options, facts)
  return catchUp(options, facts, found.store, found.meta)
}

/**
 * Rolls a state that is open already forward again, after a commit that failed or whose outcome is unknown. One that has
 * stood still for so long that it cannot be rolled forward is restored like one found on disk.
 * Resolves to undefined, with the state closed, when `signal` aborted.
 */
export async function catchUpAgain(state: TaskState, options: TakeOverOptions): Promise<TaskState | undefined> {
  const { clock, bootId } = options
  const facts = await changelogFacts(options)
  const { store, meta } = state.rolling
  if (whyRestore(meta, facts, { now: clock.now(), bootId }) !== undefined) {
    await state.close()
    return takeOver(options)
  }
  const rolled = await roll(options, facts, store, meta)
  if (rolled === undefined) {
    await state.close()
    return undefined
  }
  state.rolledForward(rolled)
  return state
}

async function catchUp(
  options: TakeOverOptions,
  facts: ReadonlyMap<string, ChangelogFacts>,
  store: Store,
  meta: StoreMeta,
): Promise<TaskState | undefined> {
  const rolled = await roll(options, facts, store, meta).catch(async (error: unknown) => {
    await store.close()
    throw error
  })
  if (rolled === undefined) {
    await store.close()
    return undefined
  }
  const live = isBulk(facts, meta) ? await reopen(options, store) : store
  const { task, cacheEntries, clock } = options
  return new TaskState({
    task,
    kinds: options.changelogs.map(({ kind }) => kind),
    store: live,
    meta: rolled,
    cacheEntries,
    clock,
  })
}

/** A store that is open and can be rolled forward from what its meta says. */
async function openStore(
  options: TakeOverOptions,
  facts: ReadonlyMap<string, ChangelogFacts>,
): Promise<{ store: Store; meta: StoreMeta }> {
  const { folder, task, clock, bootId, logger } = options
  const existing = (await folder.tasks()).includes(task)
  if (existing) {
    let why: string | undefined
    try {
      const store = await folder.open(task, { purpose: 'live' })
      const meta = readMeta(store.get(metaKey))
      why = whyRestore(meta, facts, { now: clock.now(), bootId })
      if (meta !== undefined && why === undefined) return { store, meta }
      await store.close()
    } catch (error) {
      if (!MillraceError.is(error, 'STORE_DAMAGED')) throw error
      why = error.message
    }
    logger.warn(
      { task, location: folder.location },
      `task ${task}: the local store is discarded and restored from the changelog: ${why}`,
    )
    await folder.destroy(task)
  }
  const store = await folder.open(task, { purpose: sizeOf(facts) > bulkRecords ? 'restore' : 'live' })
  const meta = emptyMeta(options, facts)
  // Written at once: a store without it counts as damaged, and a crash before the first commit is no damage.
  const batch = store.batch()
  batch.put(metaKey, JSON.stringify(meta))
  await batch.write({ sync: false })
  return { store, meta }
}

function emptyMeta({ clock, bootId }: TakeOverOptions, facts: ReadonlyMap<string, ChangelogFacts>): StoreMeta {
  const changelogs = Object.fromEntries(
    [...facts].map(([topic, { start, topicId }]) => [topic, { offset: start, topicId }]),
  )
  return { format: 1, changelogs, positions: {}, bootId, clean: false, appliedAt: clock.now() }
}

async function roll(
  options: TakeOverOptions,
  facts: ReadonlyMap<string, ChangelogFacts>,
  store: Store,
  meta: StoreMeta,
): Promise<StoreMeta | undefined> {
  const { log, task, clock, signal, onProgress } = options
  const startedAt = clock.now()
  const tails = options.changelogs.map(({ kind, topic, info }): ChangelogTail => {
    const { start, end } = facts.get(topic) as ChangelogFacts
    return {
      topic,
      topicId: info.id,
      kind: kind.name,
      stored: storedCodec(kind.codec),
      from: meta.changelogs[topic]?.offset ?? start,
      end,
    }
  })
  const rolled = await rollForward({
    log,
    task,
    store,
    meta: { ...meta, bootId: options.bootId },
    tails,
    signal,
    onProgress,
  })
  if (rolled === undefined) return undefined
  // A roll-forward can outlive the retention of tombstones, so the age is checked when it ends as well.
  for (const [topic, fact] of facts) {
    if (!tooOld(meta.appliedAt, fact, clock.now())) continue
    throw new MillraceError(
      'STORE_FAILED',
      `task ${task}: restoring took longer than delete.retention.ms (${fact.tombstoneRetentionMs} ms) of ${topic}, so deletions may have been missed. Raise delete.retention.ms and start again.`,
      { topic, partition: task },
    )
  }
  return { ...rolled, appliedAt: startedAt }
}

async function reopen({ folder, task }: TakeOverOptions, store: Store): Promise<Store> {
  await store.close()
  return folder.open(task, { purpose: 'live' })
}

const sizeOf = (facts: ReadonlyMap<string, ChangelogFacts>): number =>
  [...facts.values()].reduce((sum, { start, end }) => sum + end - start, 0)

/** Whether the store was opened for bulk loading: only one restored from the beginning is. */
const isBulk = (facts: ReadonlyMap<string, ChangelogFacts>, meta: StoreMeta): boolean =>
  sizeOf(facts) > bulkRecords && [...facts].every(([topic, { start }]) => meta.changelogs[topic]?.offset === start)

async function changelogFacts({
  log,
  task,
  changelogs,
}: TakeOverOptions): Promise<ReadonlyMap<string, ChangelogFacts>> {
  const partitions = changelogs.map(({ topic }) => ({ topic, partition: task }))
  if (partitions.length === 0) return new Map()
  const [starts, ends] = await Promise.all([
    log.admin.startOffsets(partitions),
    log.admin.endOffsets(partitions, 'all'),
  ])
  return new Map(
    changelogs.map(({ topic, info }) => [
      topic,
      {
        topicId: info.id,
        start: offsetOf(starts, topic, task) ?? 0,
        end: offsetOf(ends, topic, task) ?? 0,
        tombstoneRetentionMs: Number(info.configs.get('delete.retention.ms') ?? defaultRetentionMs),
      },
    ]),
  )
}
