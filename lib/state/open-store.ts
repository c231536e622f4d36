import { MillraceError } from '../core/errors.js'
import type { Logger } from '../core/logger.js'
import { offsetOf } from '../core/record.js'
import type { LogPort, TopicInfo } from '../log/port.js'
import type { Store, StoreFolder } from '../store/store.js'
import { metaKey, otherChangelog, readMeta, whyRestore, type ChangelogFacts, type StoreMeta } from './meta.js'

/** What the log says about the changelogs of one task, by topic. */
export type TaskFacts = ReadonlyMap<string, ChangelogFacts>

export interface OpenStoreOptions {
  readonly folder: StoreFolder
  readonly task: number
  readonly facts: TaskFacts
  readonly now: number
  readonly bootId: string | undefined
  readonly logger: Logger
  /** Asked before a store is removed because a changelog is another than it knows; throws when that must not be. */
  readonly onMadeAnew?: ((changelog: string) => Promise<void>) | undefined
}

/** A store that is open and can be rolled forward from what its meta says. */
export interface OpenedStore {
  readonly store: Store
  readonly meta: StoreMeta
  /** It is new and much is to be written: opened for bulk loading, to be opened anew before it is used. */
  readonly bulk: boolean
}

/** `delete.retention.ms` where a broker does not say: Kafka's default, a day. */
const defaultRetentionMs = 86_400_000

/** Changelog records from which a new store is opened with the settings for bulk loading. */
const bulkRecords = 200_000

/**
 * Opens the store of a task: the best that this process has, or that one which ended has left behind; a new one where none can be used.
 * What cannot be used is removed, with a warning that says why.
 */
export async function openStore(options: OpenStoreOptions): Promise<OpenedStore> {
  const { folder, task, facts, now, bootId } = options
  const rank = (store: Store): number | undefined => {
    const meta = readMeta(store.get(metaKey))
    return whyRestore(meta, facts, { now, bootId }) === undefined ? progressOf(meta as StoreMeta) : undefined
  }
  while (await folder.claim(task, rank)) {
    const found = await openExisting(options)
    if (typeof found !== 'string') return found
    await discardStore(options, found)
  }
  const bulk = recordsIn(facts) > bulkRecords
  const store = await folder.open(task, { purpose: bulk ? 'restore' : 'live' })
  const meta = emptyMeta(options)
  // Written at once: a store without it counts as damaged, and a crash before the first commit is no damage.
  const batch = store.batch()
  batch.put(metaKey, JSON.stringify(meta))
  await batch.write({ sync: false })
  return { store, meta, bulk }
}

/** The store, or why it cannot be used; then it is closed. */
async function openExisting(options: OpenStoreOptions): Promise<OpenedStore | string> {
  const { folder, task, facts, now, bootId, onMadeAnew } = options
  let store: Store | undefined
  try {
    store = await folder.open(task, { purpose: 'live' })
    const meta = readMeta(store.get(metaKey))
    const why = whyRestore(meta, facts, { now, bootId })
    if (why === undefined) return { store, meta: meta as StoreMeta, bulk: false }
    const anew = otherChangelog(meta, facts)
    if (anew !== undefined) await onMadeAnew?.(anew)
    await store.close()
    return why
  } catch (error) {
    await store?.close()
    if (!MillraceError.is(error, 'STORE_DAMAGED')) throw error
    return error.message
  }
}

/** Removes a store that cannot be used. It must be closed. */
export async function discardStore(
  { folder, task, logger }: Pick<OpenStoreOptions, 'folder' | 'task' | 'logger'>,
  why: string,
): Promise<void> {
  logger.warn(
    { task, location: folder.location },
    `task ${task}: the local store is discarded and restored from the changelog: ${why}`,
  )
  await folder.destroy(task)
}

/** How far a store is, to tell which of two is ahead. */
export function progressOf({ changelogs }: StoreMeta): number {
  return Object.values(changelogs).reduce((sum, { offset }) => sum + offset, 0)
}

function emptyMeta({ facts, now, bootId }: OpenStoreOptions): StoreMeta {
  const changelogs = Object.fromEntries(
    [...facts].map(([topic, { start, topicId }]) => [topic, { offset: start, topicId }]),
  )
  return { format: 1, changelogs, positions: {}, bootId, clean: false, appliedAt: now }
}

const recordsIn = (facts: TaskFacts): number =>
  [...facts.values()].reduce((sum, { start, end }) => sum + end - start, 0)

export const tombstoneRetentionMs = ({ configs }: TopicInfo): number =>
  Number(configs.get('delete.retention.ms') ?? defaultRetentionMs)

/** Asks the log about the changelogs of a task; the ends count uncommitted records too. */
export async function changelogFacts(
  log: LogPort,
  task: number,
  changelogs: readonly { readonly topic: string; readonly info: TopicInfo }[],
  transactional = false,
): Promise<TaskFacts> {
  const partitions = changelogs.map(({ topic }) => ({ topic, partition: task }))
  if (partitions.length === 0) return new Map()
  const [starts, ends] = await Promise.all([
    log.admin.startOffsets(partitions),
    // Rule end-uncommitted (integration/model).
    log.admin.endOffsets(partitions, 'all'),
  ])
  return new Map(
    changelogs.map(({ topic, info }) => [
      topic,
      {
        topicId: info.id,
        start: offsetOf(starts, topic, task) ?? 0,
        end: offsetOf(ends, topic, task) ?? 0,
        tombstoneRetentionMs: tombstoneRetentionMs(info),
        transactional,
      },
    ]),
  )
}
