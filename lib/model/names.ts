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
