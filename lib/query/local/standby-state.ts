import { offsetOf } from '../../core/record.js'
import type { Engine } from '../../runtime/engine.js'
import type { Deadline } from './deadline.js'
import type { KindAt, Place } from './kind-at.js'
import type { Stored } from './local-state.js'

/** How far what was read may be behind what is committed. */
export interface Staleness {
  /** Changelog records that the copy does not have, at most; undefined when the brokers could not be asked. */
  readonly records: number | undefined
  /** Milliseconds since it was last known to have all. */
  readonly ms: number
}

/** So long the log is waited for, to say how old a copy is. */
const askMs = 1_000

/** An object in the standby that this process keeps of its task, and how stale that is; undefined when it keeps none that is open. */
export async function standbyRead(
  engine: Engine,
  kind: KindAt,
  place: Place,
  deadline: Deadline,
): Promise<(Stored & { readonly stale: Staleness }) | undefined> {
  const { standbys } = engine.parts
  const state = standbys.states.find(({ task }) => task === place.task)
  if (state === undefined) return undefined
  const { log, clock, guarantee } = engine.options
  const offset = state.changelogOffset(kind.changelog) ?? 0
  const stored = state.tables[kind.index]?.committedText(place.storedKey)
  const { appliedAt } = state.rolling.meta
  const now = clock.now()
  const at = { topic: kind.changelog, partition: place.task }
  const end = await deadline
    .race(
      Promise.race([log.admin.endOffsets([at], 'committed'), clock.sleep(askMs).then(() => undefined)]),
      () => new Error('late'),
    )
    .then((ends) => ends && offsetOf(ends, at.topic, at.partition))
    .catch(() => undefined)
  if (end === undefined) return { stored, offset, stale: { records: undefined, ms: Math.max(0, now - appliedAt) } }
  const behind = Math.max(0, end - offset)
  // A single offset behind is a commit marker: a record would have its own marker behind it.
  const records = guarantee === 'exactly-once' && behind === 1 ? 0 : behind
  return { stored, offset, stale: { records, ms: records === 0 ? 0 : Math.max(0, now - appliedAt) } }
}
