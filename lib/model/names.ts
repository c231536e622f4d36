import { MillraceError } from '../core/errors.js'
import { shown } from '../core/options.js'

const called = (name: unknown): string => (typeof name === 'string' ? `'${name.slice(0, 300)}'` : shown(name))

/** Kafka's own rule for topic names. */
export function checkTopicName(name: string): void {
  if (typeof name === 'string' && /^[A-Za-z0-9._-]{1,249}$/.test(name) && name !== '.' && name !== '..') return
  throw new MillraceError(
    'DEFINITION_INVALID',
    `${called(name)} is not a topic name: 1 to 249 letters, digits, '.', '_' and '-' are allowed`,
  )
}

/** No dash, so that `<app>-<kind>-changelog` cannot mean two things. */
export function checkKindName(name: string): void {
  if (typeof name === 'string' && /^[A-Za-z0-9_.]{1,100}$/.test(name)) return
  throw new MillraceError(
    'DEFINITION_INVALID',
    `${called(name)} cannot name a state object: use letters, digits, '_' and '.' (no dash)`,
  )
}

/** No colon: transactional ids are `<app>:<start>`, and the prefix must name this app alone. No dots alone: it names a folder. */
export function checkAppId(id: string): void {
  if (typeof id === 'string' && /^[A-Za-z0-9._-]{1,100}$/.test(id) && id !== '.' && id !== '..') return
  throw new MillraceError(
    'OPTIONS_INVALID',
    `id ${called(id)}: use 1 to 100 letters, digits, '.', '_' and '-', and not dots alone`,
  )
}

export const changelogTopic = (app: string, kind: string): string => `${app}-${kind}-changelog`
export const inboxTopic = (app: string, kind: string): string => `${app}-${kind}-inbox`
export const deadLetterTopic = (app: string): string => `${app}-dlq`
/** Changelog of timers, and of all else that is noted of objects beside their state. */
export const timerTopic = (app: string): string => `${app}-timers`

/** Where a source of the app keeps its positions, and the ids of what it has written. */
export const positionsTopic = (app: string, source: string): string => `${app}-${source}-positions`
/** The consumer group of those who run a source, and of those who run a sink. */
export const sourceGroup = (app: string, source: string): string => `${app}-source-${source}`
export const sinkGroup = (app: string, sink: string): string => `${app}-sink-${sink}`

/** Those that brokers keep for themselves. */
const ofKafka: ReadonlySet<string> = new Set([
  '__consumer_offsets',
  '__transaction_state',
  '__share_group_state',
  '__cluster_metadata',
])

/** Throws `DEFINITION_INVALID` for a topic that no program of the app may write to; `where` says who would. */
export type DemandTarget = (topic: string, where: string) => void

/** What is written there beside what this library writes would be read as state, or as a record that hopped. */
export function targetsOf(app: string): DemandTarget {
  const prefix = `${app}-`
  let last = '' // most records go where the one before them went
  return (topic, where) => {
    if (topic === last) return
    const isOfApp = topic.startsWith(prefix)
    const what = isOfApp ? ownTopic(app, topic) : ofKafka.has(topic) ? 'kept by Kafka for itself' : undefined
    if (what === undefined) return void (last = topic)
    throw new MillraceError('DEFINITION_INVALID', `${where}: ${topic} is ${what}; write to a topic of your own`, {
      topic,
    })
  }
}

/** What a topic of the app is, in words; undefined for what is none. */
function ownTopic(app: string, name: string): string | undefined {
  if (name === timerTopic(app)) return 'where this app keeps its timers, and turns that wait'
  if (name === deadLetterTopic(app)) return 'where this app puts its dead letters'
  // The name of a kind has no dash, so this is no topic of an app whose id begins with this one's.
  const [, kind, what] = /^([A-Za-z0-9_.]+)-(changelog|inbox|positions)$/.exec(name.slice(app.length + 1)) ?? []
  if (kind === undefined) return undefined
  if (what === 'positions') return `where source '${kind}' of this app keeps its positions`
  return `the ${what} of state object '${kind}' of this app`
}
