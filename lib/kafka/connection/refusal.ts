import { MillraceError, type ErrorFacts } from '../../core/errors.js'
import { nameOf } from './error-codes.js'

/** As Kafka's ACLs name them. */
type Operation = 'Describe' | 'Read' | 'Write' | 'Create' | 'Delete'

/** What a request needs to be allowed, by what it is about. */
export interface Needs {
  readonly topic?: readonly [name: string, operation: Operation]
  readonly group?: readonly [name: string, operation: Operation]
  readonly transactionalId?: readonly [id: string, operation: Operation]
}

const topicAuthorizationFailed = 29
const groupAuthorizationFailed = 30
const clusterAuthorizationFailed = 31
const transactionalIdAuthorizationFailed = 53

/**
 * A code that trying again does not mend, as an error: `NOT_AUTHORIZED` with the permission that is missing, and where, or
 * `BROKER_REFUSED` with what else there is to do.
 */
export function refused(
  what: string,
  code: number,
  needs: Needs,
  { todo, ...facts }: ErrorFacts & { readonly todo: string },
): MillraceError {
  const missing = missingFor(code, needs)
  if (missing === undefined) return new MillraceError('BROKER_REFUSED', `${what}: ${nameOf(code)}. ${todo}.`, facts)
  const grant = `Grant ${missing} to the user of the app; docs/operations.md lists all that an app needs`
  return new MillraceError('NOT_AUTHORIZED', `${what}: ${nameOf(code)}. ${grant}.`, facts)
}

function missingFor(code: number, { topic, group, transactionalId }: Needs): string | undefined {
  if (code === topicAuthorizationFailed) return topic === undefined ? 'Read or Write on its topics' : on('topic', topic)
  if (code === groupAuthorizationFailed) return group === undefined ? 'Read on its group' : on('group', group)
  if (code === transactionalIdAuthorizationFailed)
    return transactionalId === undefined ? 'Write on its transactional ids' : on('transactional id', transactionalId)
  if (code === clusterAuthorizationFailed) return 'Write on the topics that it writes to'
  return undefined
}

const on = (kind: string, [name, operation]: readonly [string, Operation]): string =>
  `${operation}${operation === 'Describe' ? ' (which Read and Write include)' : ''} on ${kind} '${name}'`
