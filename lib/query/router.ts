import { MillraceError } from '../core/errors.js'
import type { Engine } from '../runtime/engine.js'
import type { Deadline } from './local/deadline.js'
import { shownKey } from './local/kind-at.js'
import { LocalState, notHere } from './local/local-state.js'
import { Owners } from './owners.js'
import { Peer } from './peers/peer.js'

/** Of one question to another instance: then the group is asked again who has the task. */
const attemptMs = 2_500
/** Part of that in which it is to answer that it still waits. */
const waitShare = 0.8
const firstPauseMs = 5
const longestPauseMs = 200

/** What is asked for, for messages. */
export interface Asked {
  readonly kind: string
  readonly task: number
  readonly key?: string
}

/** How to read it where it is. */
export interface Ways<T> {
  /** From this process. */
  readonly here: () => T | Promise<T>
  /** From another one; `waitMs`: so long it may wait for commits. */
  readonly there: (peer: Peer, mostMs: number, waitMs: number) => Promise<T>
}

/** From another instance these say that the task has moved, is on its way, or that it cannot answer now: another attempt may succeed. */
const passing: ReadonlySet<string> = new Set([
  'KEY_ELSEWHERE',
  'KEY_RESTORING',
  'OWNER_AWAY',
  'OVERLOADED',
  'APP_CLOSED',
  'READ_TIMEOUT',
])
const moved: ReadonlySet<string> = new Set(['KEY_ELSEWHERE', 'KEY_RESTORING'])

/** Finds the instance that has a task, and asks it: this one, or another over HTTP, once: who is asked does not ask on. */
export class Router {
  readonly local: LocalState
  readonly owners: Owners
  readonly #engine: Engine
  readonly #token: string | undefined

  constructor(engine: Engine, token: string | undefined) {
    this.local = new LocalState(engine)
    this.owners = new Owners(engine)
    this.#engine = engine
    this.#token = token
  }

  /** Whether others are asked: an app that tells nobody where it can be asked does not ask either. */
  get isRouting(): boolean {
    return this.#engine.options.http?.() !== undefined
  }

  peer(url: string, instance: string): Peer {
    return new Peer(url, instance, this.#token)
  }

  /**
   * Reads from the task's owner, again while it moves, until the deadline. Rejects with `KEY_ELSEWHERE`, `KEY_RESTORING`, `OWNER_UNKNOWN`
   * or `OWNER_AWAY`: which it was at the end; and with what reading rejects with. Without `waits` an unrouted read does not wait.
   */
  async reach<T>(asked: Asked, ways: Ways<T>, deadline: Deadline, waits = this.isRouting): Promise<T> {
    let why: unknown
    for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(longestPauseMs, 2 * pauseMs)) {
      const attempt = await this.#attempt(asked, ways, deadline)
      if ('value' in attempt) return attempt.value
      // That the time was up says less than what came before.
      if (why === undefined || !isCutShort(attempt.error)) why = attempt.error
      if (!waits || attempt.isFinal === true || deadline.isOver) throw why
      await deadline.sleep(pauseMs)
      if (deadline.isOver) throw why
    }
  }

  async #attempt<T>(asked: Asked, ways: Ways<T>, deadline: Deadline): Promise<Attempt<T>> {
    const where = this.local.whereIs(asked.task)
    if (where === 'running')
      try {
        return { value: await ways.here() }
      } catch (error) {
        if (!MillraceError.is(error) || !moved.has(error.code)) throw error
        return { error: error.code === 'KEY_ELSEWHERE' && this.isRouting ? justMoved(asked) : error }
      }
    if (where === 'restoring' || !this.isRouting) return { error: notHere(where, asked.kind, asked.task, asked.key) }
    const owner = await this.owners.of(asked.task, deadline)
    if (owner === undefined) {
      this.owners.wrong()
      return { error: this.owners.nobody(asked.task) }
    }
    // The group has assigned it to this instance, which has not heard of it yet.
    if (this.owners.isHere(owner)) return { error: notHere('restoring', asked.kind, asked.task, asked.key) }
    if (owner.http === undefined) {
      // What is known may be old.
      this.owners.wrong()
      return {
        error: withoutUrl(asked, owner.instance),
        isFinal: deadline.leftMs === 0 || (await this.#hasNoUrl(asked, deadline)),
      }
    }
    const mostMs = Math.min(attemptMs, Math.max(1, deadline.leftMs))
    try {
      const value = await ways.there(this.peer(owner.http, owner.instance), mostMs, Math.floor(mostMs * waitShare))
      return { value }
    } catch (error) {
      if (!MillraceError.is(error) || !passing.has(error.code)) throw error
      if (error.code !== 'READ_TIMEOUT') this.owners.wrong()
      return { error: error.code === 'KEY_ELSEWHERE' ? unheard(asked, owner.instance) : error }
    }
  }

  async #hasNoUrl({ task }: Asked, deadline: Deadline): Promise<boolean> {
    const owner = await this.owners.of(task, deadline)
    return owner !== undefined && owner.http === undefined && !this.owners.isHere(owner)
  }
}

const isCutShort = (error: unknown): boolean =>
  error instanceof Error && (error.cause as { readonly name?: unknown } | undefined)?.name === 'TimeoutError'

type Attempt<T> = { readonly value: T } | { readonly error: unknown; readonly isFinal?: boolean }

function withoutUrl(asked: Asked, instance: string): MillraceError {
  const what = `${named(asked)}: instance ${instance} has it, and tells nobody where it can be asked: give it http: { port }`
  return new MillraceError('KEY_ELSEWHERE', what, factsOf(asked))
}

function unheard(asked: Asked, instance: string): MillraceError {
  const what = `${named(asked)}: the group has given it to instance ${instance}, which has not heard of that yet: ask again`
  return new MillraceError('KEY_RESTORING', what, factsOf(asked))
}

function justMoved(asked: Asked): MillraceError {
  return new MillraceError(
    'KEY_RESTORING',
    `${named(asked)}: it has just moved to another instance: ask again`,
    factsOf(asked),
  )
}

const factsOf = ({ kind, task, key }: Asked): { kind: string; partition: number; key?: string } => ({
  kind,
  partition: task,
  ...(key === undefined ? {} : { key }),
})

const named = ({ kind, task, key }: Asked): string =>
  key === undefined ? `task ${task} of ${kind}` : `${kind} '${shownKey(key)}' is in task ${task}`
