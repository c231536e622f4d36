import type { Versions } from './state-version.js'

/** Key of the one meta record of a store; no kind name is empty, so no object has it. */
export const metaKey = '\0meta'

/** What a store knows of itself; written in the same batch as the state it speaks of. */
export interface StoreMeta {
  /** Layout of keys and values in the store. */
  readonly format: 1
  /** Where each changelog was last applied up to, and which topic that was. */
  readonly changelogs: Readonly<Record<string, { readonly offset: number; readonly topicId: string }>>
  /** The highest version of each kind that was written to it; of what has been deleted too. */
  readonly versions?: Versions | undefined
  /** Input positions of the same commit, by topic. */
  readonly positions: Readonly<Record<string, number>>
  /** Ids of the topics that the app read or kept state in at that commit; see `Standing`. */
  readonly topics?: Readonly<Record<string, string>> | undefined
  readonly bootId: string | undefined
  /** Written by an orderly close, with fsync. */
  readonly clean: boolean
  /** When the store last stood at the end of its changelogs, milliseconds since the epoch. */
  readonly appliedAt: number
}

/** Undefined when there is none, it cannot be read, or it is of another format. */
export function readMeta(stored: string | undefined): StoreMeta | undefined {
  if (stored === undefined) return undefined
  try {
    const meta = JSON.parse(stored) as Partial<StoreMeta> | null
    return meta?.format === 1 && typeof meta.changelogs === 'object' ? (meta as StoreMeta) : undefined
  } catch {
    return undefined
  }
}

/** What the log says about one changelog partition. */
export interface ChangelogFacts {
  readonly topicId: string
  readonly start: number
  readonly end: number
  /** `delete.retention.ms` of the topic. */
  readonly tombstoneRetentionMs: number
  /** Whether everything in it was written in transactions: then a commit marker follows each record, sooner or later. */
  readonly transactional?: boolean
}

/** Part of the retention kept as a margin for clocks that differ. */
const retentionMargin = 0.1

/**
 * Why a store cannot be rolled forward and must be restored from the beginning; undefined when it can.
 * Each reason is one way in which rolling forward would give another state than the changelog has.
 */
export function whyRestore(
  meta: StoreMeta | undefined,
  changelogs: ReadonlyMap<string, ChangelogFacts>,
  system: { readonly now: number; readonly bootId: string | undefined },
): string | undefined {
  if (meta === undefined) return 'it has no readable meta record'
  if (!meta.clean && meta.bootId !== undefined && system.bootId !== undefined && meta.bootId !== system.bootId) {
    return 'the system was restarted and the store had not been closed'
  }
  for (const [topic, facts] of changelogs) {
    const known = meta.changelogs[topic]
    if (known === undefined) return `it knows nothing of ${topic}`
    if (known.topicId !== facts.topicId) return `${topic} was deleted and made anew`
    if (known.offset < facts.start) return `${topic} begins at ${facts.start}, after the stored offset ${known.offset}`
    if (known.offset > facts.end) return `${topic} ends at ${facts.end}, before the stored offset ${known.offset}`
    // Rule age-at-open (integration/model).
    if (tooOld(meta, topic, facts, system.now))
      return `it is older than delete.retention.ms of ${topic}: deletions may be gone from the changelog`
  }
  return undefined
}

/** A changelog that a store knows by another id. */
export function otherChangelog(
  meta: StoreMeta | undefined,
  changelogs: ReadonlyMap<string, ChangelogFacts>,
): string | undefined {
  for (const [topic, { topicId }] of changelogs) {
    const known = meta?.changelogs[topic]
    if (known !== undefined && known.topicId !== topicId) return topic
  }
  return undefined
}

/**
 * Whether tombstones written after what the store has may have been compacted away. Not when nothing was written: then a
 * store may have stood still for any time. A single offset behind it is a commit marker, since a record would have its own
 * marker behind it.
 */
export function tooOld(meta: StoreMeta, topic: string, facts: ChangelogFacts, now: number): boolean {
  const missing = facts.end - (meta.changelogs[topic]?.offset ?? 0)
  if (missing <= (facts.transactional === true ? 1 : 0)) return false
  return now - meta.appliedAt > facts.tombstoneRetentionMs * (1 - retentionMargin)
}
