import type { Clock } from '../../core/clock.js'
import { MillraceError } from '../../core/errors.js'
import type { LogAdmin, TopicInfo } from '../../log/port.js'

/** What of a topology tells one life of its topics from another. */
export interface TopicIds {
  readonly app: string
  /** The id of each topic that the app reads or keeps state in, by name. */
  readonly ids: ReadonlyMap<string, string>
  readonly inboxes: readonly string[]
  readonly changelogs: readonly { readonly topic: string }[]
  /** The changelog that also says where tasks stand. */
  readonly standings: string | undefined
}

/** What is committed beside each offset: which topic it is of, and of which state what is before it has become part. */
export function noteOf(topicId: string, stateId: string | undefined): string {
  return stateId === undefined ? `topic=${topicId}` : `topic=${topicId} state=${stateId}`
}

/** Nothing in a note that is not ours: whoever sets offsets by hand means the topics that there are. */
export function idsIn(note: string): { readonly topic?: string | undefined; readonly state?: string | undefined } {
  const { topic, state } = /^topic=(?<topic>\S+)(?: state=(?<state>\S+))?$/.exec(note)?.groups ?? {}
  return { topic, state }
}

/** The first of these topics that is another than it was by these ids; names of topics that are not known tell nothing. */
export function changedTopic(
  was: ReadonlyMap<string, string>,
  is: ReadonlyMap<string, string>,
  topics: Iterable<string>,
): string | undefined {
  for (const topic of topics) {
    const [before, now] = [was.get(topic), is.get(topic)]
    if (before !== undefined && now !== undefined && before !== now) return topic
  }
  return undefined
}

/** A broker may not have heard yet of a topic that was made a moment ago, and tell of the one before it: it is asked again. */
const doubtMs = 1_000

/** What these topics are now, and which of them is another than it was by these ids. */
export async function lookAt(
  ids: ReadonlyMap<string, string>,
  admin: LogAdmin,
  clock: Clock,
): Promise<{ readonly infos: ReadonlyMap<string, TopicInfo | undefined>; readonly changed: string | undefined }> {
  for (let again = false; ; again = true) {
    const infos = await admin.describe([...ids.keys()])
    const now = new Map([...infos].flatMap(([topic, info]) => (info === undefined ? [] : [[topic, info.id] as const])))
    const changed = changedTopic(ids, now, ids.keys())
    if (changed === undefined || again) return { infos, changed }
    await clock.sleep(doubtMs)
  }
}

/** A topic was deleted and made anew since the app committed: what stood in the old one is gone, and offsets of it mean nothing. */
export function madeAnew({ app, inboxes, changelogs }: TopicIds, topic: string, partition?: number): MillraceError {
  const where = partition === undefined ? topic : `${topic}[${partition}]`
  const what = `${where} was deleted and made anew since group '${app}' last committed`
  const facts = partition === undefined ? { topic } : { topic, partition }
  if (changelogs.some((changelog) => changelog.topic === topic))
    return new MillraceError(
      'TOPIC_MISMATCH',
      `${what}, and the state that was in it is gone. ${howToBeginAnew(app)}`,
      facts,
    )
  const reset = `kafka-consumer-groups --group ${app} --topic ${topic} --reset-offsets --to-earliest --execute`
  if (inboxes.includes(topic)) {
    return new MillraceError(
      'INBOX_TRIMMED',
      `${what}: ${lostHops}. To accept that, with the app stopped: ${reset}`,
      facts,
    )
  }
  const todo = `Decide where to begin in the new one and set it with the app stopped, for example at its start: ${reset}`
  return new MillraceError('OFFSET_OUT_OF_RANGE', `${what}: where it stood means nothing any more. ${todo}`, facts)
}

/** One of the app's own topics is not there any more: what that means, and not the advice to create it. Other errors stay. */
export function ownTopicGone({ app, inboxes, changelogs }: TopicIds, error: unknown): unknown {
  if (!MillraceError.is(error, 'TOPIC_MISSING') || error.topic === undefined) return error
  const { topic } = error
  const gone = `topic '${topic}' was deleted while the app ran`
  const facts = { topic, cause: error }
  if (changelogs.some((changelog) => changelog.topic === topic))
    return new MillraceError(
      'TOPIC_MISSING',
      `${gone}: the state that was in it is gone. ${howToBeginAnew(app)}`,
      facts,
    )
  if (!inboxes.includes(topic)) return error
  return new MillraceError('TOPIC_MISSING', `${gone}: ${lostHops}. Start again to hear how to accept that.`, facts)
}

export const lostHops = 'records on their way to their objects were in it and are lost'

/** What is left when state is gone. */
export function howToBeginAnew(app: string): string {
  return `Do not make it by hand: the app would begin with empty state in the middle of its input. To begin anew from the start of the input, stop the app, delete group '${app}' and all topics '${app}-…'; or use another app id. For one kind, give it another name.`
}
