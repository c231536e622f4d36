import { MillraceError } from '../../core/errors.js'
import { offsetOf, type Positions } from '../../core/record.js'
import type { Logger } from '../../core/logger.js'
import type { KnownStanding } from '../../state/standing.js'

/** What the log says of the inputs of a task. */
export interface InputOffsets {
  readonly task: number
  readonly topics: readonly string[]
  /** Of the group. */
  readonly committed: Positions
  readonly starts: Positions
}

/** Where a task begins, by topic; `isKnown`: the group has an offset wherever that is not the start. */
export interface Beginning {
  readonly positions: ReadonlyMap<string, number>
  readonly isKnown: boolean
}

/** Inputs that the group has no offset for. */
export function uncommitted({ task, topics, committed }: InputOffsets): readonly string[] {
  return topics.filter((topic) => offsetOf(committed, topic, task) === undefined)
}

// Rule positions-with-state (integration/model).
/**
 * Where a task goes on in each of its inputs: where the group has committed; else where it stood when its state was
 * committed, since the group's offsets are gone; else at the start, for there the app has never been. Throws `INBOX_TRIMMED`.
 */
export function beginning(
  offsets: InputOffsets,
  standing: KnownStanding | undefined,
  inboxes: readonly string[],
  logger: Logger,
): Beginning {
  const { task, topics, committed, starts } = offsets
  const kept = new Map(Object.entries(standing?.positions ?? {}))
  const forgotten = uncommitted(offsets).filter((topic) => kept.has(topic))
  if (forgotten.length > 0) {
    const places = forgotten.map((topic) => `${topic}[${task}] at ${kept.get(topic)}`).join(', ')
    const why =
      'the offsets of the group are gone (they expire when nobody has been in it for offsets.retention.minutes)'
    logger.warn({ task }, `task ${task} goes on from where its state was committed: ${places}; ${why}`)
  }
  const positions = topics.map((topic) => {
    const start = offsetOf(starts, topic, task) ?? 0
    const offset = offsetOf(committed, topic, task) ?? kept.get(topic) ?? start
    if (offset < start && inboxes.includes(topic)) throw trimmed(topic, task, offset, start)
    return [topic, offset] as const
  })
  return { positions: new Map(positions), isKnown: forgotten.length === 0 }
}

/** State of an app that did not keep where it stood, and no offsets: nobody knows what of the input is in it. */
export function offsetsLost(app: string, task: number, topics: readonly string[]): MillraceError {
  const places = topics.map((topic) => `${topic}[${task}]`).join(', ')
  const what = `task ${task} has state, and group '${app}' has no offset of ${places}: what is in the state already cannot be told from what is not`
  const todo = `Set the group's offsets to where it was (kafka-consumer-groups --reset-offsets), or begin anew under another app id`
  return new MillraceError('OFFSETS_LOST', `${what}. ${todo}.`, { partition: task })
}

function trimmed(topic: string, partition: number, offset: number, start: number): MillraceError {
  return new MillraceError(
    'INBOX_TRIMMED',
    `${topic}[${partition}] begins at ${start}, after the committed offset ${offset}: committed offsets were set back by hand, or the inbox was emptied. Records between are lost; to accept that, set the group's offset of this partition to ${start}.`,
    { topic, partition, offset },
  )
}
