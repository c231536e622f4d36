import { inboxTopic } from '../../model/names.js'
import { timedTopics } from '../../model/program.js'
import { packMark, type MarkEntry } from '../../turn/output/mark.js'
import type { Outbox } from '../../turn/output/outbox.js'
import type { Task } from '../tasks/task.js'
import type { Topology } from '../setup/topology.js'

/** Of one record: some 30 bytes each. */
const mostEntries = 1_000

/** The inbox of a kind that uses event time, the topics from which records come to it, and those that have turns in place too. */
interface MarkedInbox {
  readonly inbox: string
  readonly hopping: ReadonlySet<string>
  readonly inPlace: ReadonlySet<string>
}

/**
 * Tells the inboxes how far event time has come in source partitions, also where no record has gone: each inbox partition gets
 * at most one record per commit and kind, and none when there is nothing new.
 */
export class Marks {
  readonly #stateTasks: number
  readonly #inboxes: readonly MarkedInbox[]
  /** Records written. */
  written = 0

  constructor({ app, kinds, stateTasks }: Pick<Topology, 'app' | 'kinds' | 'stateTasks'>) {
    this.#stateTasks = stateTasks
    this.#inboxes = kinds
      .map((kind) => ({ inbox: inboxTopic(app, kind.name), ...timedTopics(kind) }))
      .filter(({ hopping }) => hopping.size > 0)
  }

  // Rule marks-in-commit (integration/model).
  /** What is new of the tasks that are about to be sealed becomes part of their commit, behind what hops with it. */
  write(tasks: readonly Task[], outbox: Outbox, now: number): void {
    if (this.#inboxes.length === 0) return
    const news = tasks.flatMap(newsOf)
    if (news.length === 0) return
    for (const inbox of this.#inboxes) {
      const entries = news.filter(({ topic }) => inbox.hopping.has(topic))
      this.#tell(inbox, entries, outbox, now)
    }
  }

  #tell({ inbox, inPlace }: MarkedInbox, news: readonly MarkEntry[], outbox: Outbox, now: number): void {
    for (let first = 0; first < news.length; first += mostEntries) {
      const entries = news.slice(first, first + mostEntries)
      const headers = packMark(entries)
      for (let partition = 0; partition < this.#stateTasks; partition++) {
        // Where they are read it is known.
        if (entries.every((entry) => entry.partition === partition && inPlace.has(entry.topic))) continue
        outbox.add(inbox, partition, null, null, now, headers)
        this.written++
      }
    }
  }
}

function newsOf({ index, times }: Task): readonly MarkEntry[] {
  const entries: MarkEntry[] = []
  for (const { topic, news } of times.values())
    if (news !== undefined) entries.push({ topic, partition: index, ...news })
  return entries
}
