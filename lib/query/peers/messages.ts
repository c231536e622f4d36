import { MillraceError } from '../../core/errors.js'

/** What instances of an app ask each other: JSON, so that keys of any text can go. Whoever is asked answers for itself only. */
export type PeerQuestion = GetQuestion | PageQuestion | TaskQuestion

/** One object: from the task that runs there, when what the tokens say is committed; or `stale`, from a standby. */
export interface GetQuestion {
  readonly op: 'get'
  readonly kind: string
  readonly key: string
  readonly after: readonly string[]
  readonly timeoutMs: number
  readonly stale: boolean
}

/** Some objects of one task, in key order. */
export interface PageQuestion {
  readonly op: 'page'
  readonly kind: string
  readonly task: number
  readonly prefix: string
  readonly after: string | null
  readonly limit: number
}

/** Whether it runs a task. */
export interface TaskQuestion {
  readonly op: 'task'
  readonly task: number
}

export interface GetAnswer {
  /** As the changelog's codec has made it, with its version: whoever asked decodes it with its own program. */
  readonly stored: string | null
  readonly task: number
  readonly offset: number
  readonly instance: string
  readonly stale: { readonly records: number | null; readonly ms: number } | null
}

export interface PageAnswer {
  readonly entries: readonly (readonly [key: string, stored: string])[]
  readonly isLast: boolean
}

export interface TaskAnswer {
  readonly state: 'running' | 'restoring' | 'elsewhere'
}

const mostWaitMs = 30_000
export const mostPage = 1_000

type Fields = Readonly<Record<string, unknown>>

/** Throws `REQUEST_INVALID`. */
export function questionIn(body: unknown): PeerQuestion {
  const fields = isObject(body) ? body : {}
  const { op, kind, key, after, timeoutMs, stale, task, prefix, limit } = fields
  if (op === 'task' && isCount(task)) return { op, task }
  if (op === 'get' && isText(kind) && isText(key) && isTexts(after) && isCount(timeoutMs) && typeof stale === 'boolean')
    return { op, kind, key, after, timeoutMs: Math.min(timeoutMs, mostWaitMs), stale }
  const isPage = op === 'page' && isText(kind) && isCount(task) && isText(prefix) && isCount(limit)
  if (isPage && (after === null || isText(after)))
    return { op, kind, task, prefix, after, limit: Math.min(limit, mostPage) }
  throw new MillraceError(
    'REQUEST_INVALID',
    'this is no question that instances of an app of this version ask each other',
  )
}

/** Of garbage each throws `TypeError`. */
export const answers = {
  get: (body: unknown): GetAnswer => {
    const { stored, task, offset, instance, stale } = objectIn(body)
    if ((stored !== null && !isText(stored)) || !isCount(task) || !isCount(offset) || !isText(instance)) throw none()
    if (stale === null) return { stored, task, offset, instance, stale }
    const { records, ms } = objectIn(stale)
    if ((records !== null && !isCount(records)) || typeof ms !== 'number') throw none()
    return { stored, task, offset, instance, stale: { records, ms } }
  },
  page: (body: unknown): PageAnswer => {
    const { entries, isLast } = objectIn(body)
    if (!Array.isArray(entries) || typeof isLast !== 'boolean') throw none()
    // Else it would be asked again and again.
    if (entries.length === 0 && !isLast) throw none()
    return { entries: entries.map(entryIn), isLast }
  },
  task: (body: unknown): TaskAnswer => {
    const { state } = objectIn(body)
    if (state !== 'running' && state !== 'restoring' && state !== 'elsewhere') throw none()
    return { state }
  },
}

function entryIn(entry: unknown): readonly [string, string] {
  const [key, stored] = Array.isArray(entry) ? (entry as unknown[]) : []
  if (!isText(key) || !isText(stored)) throw none()
  return [key, stored]
}

function objectIn(body: unknown): Fields {
  if (!isObject(body)) throw none()
  return body
}

const none = (): TypeError => new TypeError('what it answers is no answer of an instance of this app')
const isObject = (value: unknown): value is Fields => typeof value === 'object' && value !== null
const isText = (value: unknown): value is string => typeof value === 'string'
const isTexts = (value: unknown): value is readonly string[] => Array.isArray(value) && value.every(isText)
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0
