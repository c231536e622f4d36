import { MillraceError } from '../../core/errors.js'
import { anyText, rule, shown, type Rules } from '../../core/options.js'
import type { Change, Changes, Watched } from './changes.js'

export interface WatchPrefix {
  /** What the keys begin with; empty for all objects of the kind. */
  readonly prefix: string
}

export interface WatchOptions {
  /** The id of a change, or of a `read`: the watch goes on behind it. @default from now on */
  readonly after?: string
  /** Ends it. */
  readonly signal?: AbortSignal
}

export const watchRules: Rules<WatchOptions> = {
  after: anyText,
  signal: rule('the signal of an AbortController', (value) => value instanceof AbortSignal),
}

/** Throws `OPTIONS_INVALID`. */
export function watchedIn(what: unknown): Watched {
  if (typeof what === 'string' && what.isWellFormed()) return { key: what, prefix: '' }
  const prefix: unknown = typeof what === 'object' && what !== null ? (what as { prefix?: unknown }).prefix : undefined
  if (typeof prefix === 'string' && prefix.isWellFormed()) return { prefix }
  const given = typeof what === 'string' || typeof prefix === 'string' ? 'text with half a surrogate pair' : shown(what)
  throw new MillraceError(
    'OPTIONS_INVALID',
    `watch: ${given} is no key; give a key, or { prefix } for all keys that begin with it`,
  )
}

/** Ends also while it waits, when its reader leaves it. */
export function onlyChanges(opened: Promise<Changes>, signal: AbortSignal | undefined): AsyncIterable<Change> {
  return {
    [Symbol.asyncIterator](): AsyncIterator<Change> {
      const ending = new AbortController()
      const all = signal === undefined ? ending.signal : AbortSignal.any([signal, ending.signal])
      const changes = read(opened, all)
      return {
        next: () => changes.next(),
        return: () => {
          ending.abort()
          return changes.return(undefined)
        },
      }
    },
  }
}

async function* read(opened: Promise<Changes>, signal: AbortSignal): AsyncGenerator<Change, undefined, undefined> {
  const changes = await opened
  for await (const change of changes.read(signal)) if (change.key !== undefined) yield change as Change
  return undefined
}
