import { MillraceError } from '../../core/errors.js'
import { allPartitions } from '../../core/record.js'
import type { LogPort } from '../../log/port.js'
import { changelogTopic, inboxTopic, timerTopic } from '../../model/names.js'
import type { Program } from '../../model/program.js'
import { findStanding } from '../../state/find-standing.js'
import { howToBeginAnew, idsIn, lostHops } from './topic-ids.js'

export interface LostStateOptions {
  readonly app: string
  readonly program: Program
  readonly log: LogPort
  /** Topics of the app's own that are not there. */
  readonly missing: readonly string[]
  /** Partitions of those that are, and of sources. */
  readonly partitions: ReadonlyMap<string, number>
}

/**
 * Topics of the app's own are missing: at the first start, when a kind is new, or because somebody has deleted them. Throws
 * `TOPIC_MISSING` for one that was there when the app last committed. What says so is what is left: the notes beside the
 * group's offsets, its offsets of inboxes, and where the tasks stand.
 */
export async function demandNoneLost(options: LostStateOptions): Promise<void> {
  const { app, program, missing } = options
  const timers = timerTopic(app)
  const own = program.kinds.flatMap(({ name }) => [changelogTopic(app, name), inboxTopic(app, name)])
  const suspects = [timers, ...own].filter((topic) => missing.includes(topic))
  if (suspects.length === 0) return
  const { hadState, inboxes } = await whatTheGroupKnows(options)
  if (!hadState) return
  const known = missing.includes(timers) ? new Set([timers]) : await lastTopics(options)
  for (const { name } of program.kinds)
    if (inboxes.has(inboxTopic(app, name))) known.add(changelogTopic(app, name)).add(inboxTopic(app, name))
  const lost = suspects.find((topic) => known.has(topic))
  if (lost !== undefined) throw isGone(options, lost)
}

/** Brokers delete the offsets of a topic with it. */
async function whatTheGroupKnows({
  app,
  program,
  log,
  partitions,
}: LostStateOptions): Promise<{ readonly hadState: boolean; readonly inboxes: ReadonlySet<string> }> {
  const inboxes = new Set(program.kinds.map(({ name }) => inboxTopic(app, name)))
  const inputs = [...program.sources.map(({ name }) => name), ...inboxes]
  const all = inputs.flatMap((topic) => allPartitions(topic, partitions.get(topic) ?? 0))
  const committed = await log.admin.groupOffsets(app, all, 'any')
  const ofInboxes = new Set(committed.map(({ topic }) => topic).filter((topic) => inboxes.has(topic)))
  return { hadState: ofInboxes.size > 0 || committed.some(({ note }) => idsIn(note).state), inboxes: ofInboxes }
}

/** As the first task says that says anything: they say the same soon after each start. */
async function lastTopics({ app, log, partitions }: LostStateOptions): Promise<Set<string>> {
  const topic = timerTopic(app)
  const { signal } = new AbortController()
  for (const { partition } of allPartitions(topic, partitions.get(topic) ?? 0)) {
    const standing = await findStanding({ log, topic, partition, task: partition, upTo: 'committed', signal })
    if (standing?.topics !== undefined) return new Set(Object.keys(standing.topics))
  }
  return new Set()
}

function isGone({ app, program }: LostStateOptions, topic: string): MillraceError {
  const what = `topic '${topic}' is not there, and it was when group '${app}' last committed`
  if (!program.kinds.some(({ name }) => inboxTopic(app, name) === topic))
    return new MillraceError('TOPIC_MISSING', `${what}: the state that was in it is gone. ${howToBeginAnew(app)}`, {
      topic,
    })
  const todo = `To accept that, create it with as many partitions as the app's changelogs have, and set the group's offsets of it to its start`
  return new MillraceError('TOPIC_MISSING', `${what}: ${lostHops}. ${todo}.`, {
    topic,
  })
}
