import { MillraceError } from '../../core/errors.js'
import type { CommittedOffset } from '../../log/port.js'

/** What is committed beside the offsets of a sink. */
export interface SinkNote {
  /** Id of the topic that the offset is of. */
  readonly topic: string | undefined
  /** How many partitions the topic had when the sink was first started. */
  readonly first: number | undefined
  /** Of targets that commit in two phases: the batch that ends at the offset. */
  readonly batch: string | undefined
}

export function noteText({ topic, first, batch }: SinkNote): string {
  const fields = { topic, first, batch }
  return Object.entries(fields)
    .flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`]))
    .join(' ')
}

/** Nothing in a note that is not ours: whoever sets offsets by hand means the topic that there is. */
export function noteIn(text: string): SinkNote {
  const { topic, first, batch } = Object.fromEntries(
    text.split(' ').flatMap((field) => {
      const [, name, value] = /^(topic|first|batch)=(\S+)$/.exec(field) ?? []
      return name === undefined ? [] : [[name, value]]
    }),
  ) as Partial<Record<string, string>>
  return { topic, first: first !== undefined && /^\d{1,9}$/.test(first) ? Number(first) : undefined, batch }
}

export interface Surroundings {
  readonly topic: string
  readonly partition: number
  readonly topicId: string
  /** Of what there is to read: the first offset, and that behind the last. */
  readonly start: number
  readonly end: number
  /** Of the sink's group, in this partition. */
  readonly committed: CommittedOffset | undefined
}

/** Where to read on, and what is to be said of it. */
export interface Beginning {
  readonly offset: number
  /** Offsets between where the sink stood and where it goes on: so many records at most are missing. */
  readonly missing: number
  readonly warning?: string
}

/** Where the target stands that keeps the offset itself. Throws `CONNECTOR_INVALID` for an offset that is none. */
export function keptBeginning(kept: unknown, { topic, partition, start, end, committed }: Surroundings): Beginning {
  const where = `${topic}[${partition}]`
  const refused = (what: string): MillraceError =>
    new MillraceError('CONNECTOR_INVALID', `${where}: the target gave the offset ${what}`, { topic, partition })
  if (typeof kept !== 'number' || !Number.isSafeInteger(kept) || kept < 0)
    throw refused(`${typeof kept === 'number' ? kept : typeof kept}; an offset is a whole number from 0 on`)
  if (kept > end)
    throw refused(
      `${kept}, and the partition ends at ${end}: it is of another topic, or the topic was made anew. Correct what the target keeps; it is looked at again`,
    )
  const beginning = behindStart(kept, start, where)
  if (beginning.warning !== undefined || kept === start || committed !== undefined) return beginning
  // Who deletes a topic deletes what groups have committed in it.
  const warning = `${where}: the target keeps the offset ${kept}, and the group of the sink has none: it is forgotten after a week without the sink, or the topic was deleted and made anew. If it was, what is there before ${kept} is not written: correct what the target keeps`
  return { ...beginning, warning }
}

/** Where the group of the sink stands; undefined when it has no offset in this partition. */
export function committedBeginning(at: Surroundings): Beginning | undefined {
  const { topic, partition, topicId, start, end, committed } = at
  if (committed === undefined) return undefined
  const where = `${topic}[${partition}]`
  const { offset, note } = committed
  const { topic: known } = noteIn(note)
  if (known !== undefined && known !== topicId) {
    const warning = `${where}: the topic was deleted and made anew since offset ${offset} of the old one was committed; what was not read of the old one is gone, and how much that is nobody knows. The new one is read from its start, ${start}`
    return { offset: start, missing: 0, warning }
  }
  if (offset <= end) return behindStart(offset, start, where)
  const warning = `${where}: the offset ${offset} is committed, and the partition ends at ${end}: it has lost what was written, or the topic was made anew`
  // What is before the end was written, where it is the same topic for certain.
  const goesOn = known === undefined ? start : end
  return { offset: goesOn, missing: 0, warning: `${warning}. It is read from ${goesOn} on` }
}

function behindStart(offset: number, start: number, where: string): Beginning {
  if (offset >= start) return { offset, missing: 0 }
  const missing = start - offset
  const warning = `${where}: offsets ${offset} to ${start - 1} are not there any more (retention, or somebody has trimmed the topic): up to ${missing} records were never written, and cannot be. It goes on at ${start}`
  return { offset: start, missing, warning }
}
