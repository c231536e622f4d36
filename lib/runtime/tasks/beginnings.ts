import { MillraceError } from '../../core/errors.js'
import { offsetOf, PositionMap, type Positions } from '../../core/record.js'
import type { CommittedOffset } from '../../log/port.js'
import { findStanding } from '../../state/find-standing.js'
import type { KnownStanding } from '../../state/standing.js'
import type { TaskState } from '../../state/task-state.js'
import type { EngineOptions } from '../setup/engine-options.js'
import { changedTopic, idsIn, lookAt, madeAnew } from '../setup/topic-ids.js'
import type { Topology } from '../setup/topology.js'

/** What the log says of the inputs of a task. */
export interface InputOffsets {
  readonly task: number
  readonly topics: readonly string[]
  /** Of the group. */
  readonly committed: Positions
  readonly starts: Positions
}

/** Where a task begins, by topic; `isKnown`: the log has it all, so that nothing has to be committed before something happens. */
export interface Beginning {
  readonly positions: ReadonlyMap<string, number>
  readonly isKnown: boolean
}

/**
 * Where tasks go on in their inputs. All that can be wrong there is looked for: a topic that is another than the one which
 * offsets and state are of, records that are gone, state of which nobody knows how far it has read.
 */
export class Beginnings {
  readonly #engine: EngineOptions
  readonly #topology: Topology

  constructor(engine: EngineOptions, topology: Topology) {
    this.#engine = engine
    this.#topology = topology
  }

  /** Throws what `madeAnew` says when one of the app's topics is not the one any more that it was at the start. */
  async demandTopics(): Promise<void> {
    const { log, clock } = this.#engine
    const { changed } = await lookAt(this.#topology.ids, log.admin, clock)
    if (changed !== undefined) throw madeAnew(this.#topology, changed)
  }

  /** All partitions of the task in one request, all of them stable, and only then (in `takeOver`) the changelog's end. */
  async offsets(task: number): Promise<InputOffsets> {
    const { log, app } = this.#engine
    const topics = [...this.#topology.inputs].filter(([, count]) => task < count).map(([topic]) => topic)
    const partitions = topics.map((topic) => ({ topic, partition: task }))
    // Rule stable-offsets (integration/model).
    const committed = await log.admin.groupOffsets(app, partitions, 'stable')
    for (const each of committed) this.#demandNote(each)
    const starts = await log.admin.startOffsets(partitions)
    const offsets = committed.map(({ topic, partition, offset }) => [topic, partition, offset] as const)
    return { task, topics, committed: PositionMap.of(offsets).topics, starts }
  }

  /** Throws `OFFSETS_LOST`, `INBOX_TRIMMED`, `OFFSET_OUT_OF_RANGE`, `TOPIC_MISMATCH`. */
  async withState(offsets: InputOffsets, state: TaskState): Promise<Beginning> {
    const { standing } = state
    const missing = uncommitted(offsets)
    if (standing === undefined && missing.length === offsets.topics.length && (await state.holdsAnything()))
      throw offsetsLost(this.#engine.app, offsets.task, missing)
    const { ids, changelogs } = this.#topology
    const topics = new Map(Object.entries(standing?.topics ?? {}))
    this.#demandSame(topics, ids, [...changelogs.map(({ topic }) => topic), ...missing], offsets.task)
    const begins = this.#beginning(offsets, standing)
    // Else tasks that nothing comes to would go on saying what was before.
    const isSaid = standing === undefined || isSame(topics, ids)
    return { ...begins, isKnown: begins.isKnown && isSaid }
  }

  /** Of a task that keeps where it stands beside the state of another: looked for where the group does not say. */
  async withoutState(offsets: InputOffsets, signal: AbortSignal): Promise<Beginning> {
    const missing = uncommitted(offsets)
    const standing = missing.length === 0 ? undefined : await this.#find(offsets.task, signal)
    this.#demandSame(new Map(Object.entries(standing?.topics ?? {})), this.#topology.ids, missing, offsets.task)
    return this.#beginning(offsets, standing)
  }

  /**
   * A store knows a changelog by another id. That is nothing when it is of an earlier life of the app. Throws when it is the
   * changelog that has lost its life since the app last committed.
   */
  async demandEarlier(changelog: string, task: number, signal: AbortSignal): Promise<void> {
    const standing = await this.#find(task, signal)
    this.#demandSame(new Map(Object.entries(standing?.topics ?? {})), this.#topology.ids, [changelog], task)
  }

  async #find(task: number, signal: AbortSignal): Promise<KnownStanding | undefined> {
    const { standings: topic, stateTasks } = this.#topology
    if (topic === undefined) return undefined
    return findStanding({ log: this.#engine.log, topic, partition: task % stateTasks, task, upTo: 'all', signal })
  }

  #demandNote({ topic, partition, note }: CommittedOffset): void {
    const { ids, standings } = this.#topology
    const noted = idsIn(note)
    if (noted.topic !== undefined && noted.topic !== ids.get(topic)) throw madeAnew(this.#topology, topic, partition)
    if (noted.state === undefined || standings === undefined || noted.state === ids.get(standings)) return
    throw madeAnew(this.#topology, standings)
  }

  #demandSame(
    was: ReadonlyMap<string, string>,
    is: ReadonlyMap<string, string>,
    topics: Iterable<string>,
    partition?: number,
  ): void {
    const changed = changedTopic(was, is, topics)
    if (changed !== undefined) throw madeAnew(this.#topology, changed, partition)
  }

  // Rule positions-with-state (integration/model).
  /**
   * Where the group has committed; else where the task stood when its state was committed, since the offsets are gone; else at
   * the start, for there the app has never been.
   */
  #beginning(offsets: InputOffsets, standing: KnownStanding | undefined): Beginning {
    const { task, topics, committed, starts } = offsets
    const kept = new Map(Object.entries(standing?.positions ?? {}))
    const forgotten = uncommitted(offsets).filter((topic) => kept.has(topic))
    if (forgotten.length > 0) {
      const places = forgotten.map((topic) => `${topic}[${task}] at ${kept.get(topic)}`).join(', ')
      const why = `the offsets of group '${this.#engine.app}' are gone (they expire when nobody has been in it for offsets.retention.minutes)`
      this.#engine.logger.warn({ task }, `task ${task} goes on from where its state was committed: ${places}; ${why}`)
    }
    const positions = topics.map((topic) => {
      const start = offsetOf(starts, topic, task) ?? 0
      const offset = offsetOf(committed, topic, task) ?? kept.get(topic) ?? start
      if (offset < start && this.#topology.inboxes.includes(topic)) throw trimmed(topic, task, offset, start)
      return [topic, offset] as const
    })
    return { positions: new Map(positions), isKnown: forgotten.length === 0 }
  }
}

/** Inputs that the group has no offset for. */
function uncommitted({ task, topics, committed }: InputOffsets): readonly string[] {
  return topics.filter((topic) => offsetOf(committed, topic, task) === undefined)
}

function isSame(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): boolean {
  return a.size === b.size && [...a].every(([topic, id]) => b.get(topic) === id)
}

/** State of an app that did not keep where it stood, and no offsets: nobody knows what of the input is in it. */
function offsetsLost(app: string, task: number, topics: readonly string[]): MillraceError {
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
