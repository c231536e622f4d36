import { MillraceError } from '../core/errors.js'
import { demandKind, unknownQuery } from '../runtime/state-reader.js'
import type { AnyStateObject } from '../model/state-object.js'
import type { Engine } from '../runtime/engine.js'
import { Deadline } from './local/deadline.js'
import { entries, type ListedObject, type StateEntriesOptions } from './entries.js'
import { demandTokens, untilCommitted } from './local/committed.js'
import { KindAt, storedVersion, type Place } from './local/kind-at.js'
import type { Stored } from './local/local-state.js'
import { standbyRead, type Staleness } from './local/standby-state.js'
import type { GetAnswer } from './peers/messages.js'
import { resolveRead, type ReadOptions, type ResolvedRead } from './read-options.js'
import type { Router } from './router.js'
import { changeId } from './watch/change-id.js'

/** An object, and where that is from. */
export interface StateAnswer<S = unknown> {
  readonly kind: string
  readonly key: string
  /** A copy; undefined when there is no such object. */
  readonly value: S | undefined
  /** Of the kind's schema, by which it was stored; undefined when there is no such object. */
  readonly version: number | undefined
  readonly task: number
  /** Up to here the changelog of the kind, in the partition of the task, has had its effect. */
  readonly offset: number
  /** Who answered. */
  readonly instance: string
  /** Undefined when the task's owner has answered. */
  readonly stale: Staleness | undefined
  /** A watch of the object that is begun with `after: id` tells what has changed since. */
  readonly id: string
}

interface Found extends Stored {
  readonly instance: string
  readonly stale: Staleness | undefined
}

/** Committed state of one kind of the whole app. */
export class RoutedState {
  readonly #engine: Engine
  readonly #router: Router
  readonly #kind: string
  readonly #defaults: ReadOptions

  /** Throws `OPTIONS_INVALID` for what is no state object, and for options. */
  constructor(engine: Engine, router: Router, kind: AnyStateObject, options: ReadOptions = {}) {
    demandKind(kind)
    resolveRead(`state of '${kind.name}'`, options)
    this.#engine = engine
    this.#router = router
    this.#kind = kind.name
    this.#defaults = options
  }

  async get(key: string, options: ReadOptions = {}): Promise<unknown> {
    return (await this.read(key, options)).value
  }

  async read(key: string, options: ReadOptions = {}): Promise<StateAnswer> {
    const read = resolveRead(`state of '${this.#kind}'`, options, this.#defaults)
    const kind = new KindAt(this.#engine, this.#kind)
    const place = kind.place(key)
    const deadline = new Deadline(this.#engine.options.clock, read.timeoutMs)
    const { stored, offset, instance, stale } = await (read.stale
      ? this.#staleFound(kind, place, read, deadline)
      : this.#found(kind, place, read, deadline))
    const value = kind.stateIn(place, stored)
    const version = value === undefined || stored === undefined ? undefined : storedVersion(stored)
    const { task } = place
    const at = this.#engine.options.clock.now() - Math.ceil(stale?.ms ?? 0)
    const id = changeId(kind.changelogId, { first: task, offsets: [offset], at })
    return { kind: this.#kind, key, value, version, task, offset, instance, stale, id }
  }

  /** Throws `DEFINITION_INVALID` for a query that there is not. */
  demandQuery(name: string): void {
    this.#query(name)
  }

  /** The state comes here, and the query runs here: so whatever it is given and gives is as it would be in one process. */
  async ask(key: string, query: string, ...args: unknown[]): Promise<unknown> {
    this.#query(query)
    const state = await this.get(key)
    return state === undefined ? undefined : this.answer(state, query, args)
  }

  /** What a query says of a state. Throws `DEFINITION_INVALID` for one that there is not, and what it throws. */
  answer(state: unknown, query: string, args: readonly unknown[]): unknown {
    return this.#query(query)(state as never, ...(args as never[]))
  }

  #query(name: string): (state: never, ...args: never[]) => unknown {
    const { queries } = new KindAt(this.#engine, this.#kind).definition
    const query = queries.get(name)
    if (query === undefined) throw unknownQuery(this.#kind, name, queries)
    return query
  }

  entries(options: StateEntriesOptions = {}): AsyncIterable<readonly [string, unknown]> {
    return pairs(this.list(options))
  }

  /** The same with where each is. */
  list(options: StateEntriesOptions = {}): AsyncIterable<ListedObject> {
    return entries(this.#engine, this.#router, this.#kind, options, this.#defaults)
  }

  async #found(
    kind: KindAt,
    place: Place,
    read: ResolvedRead,
    deadline: Deadline,
    waits = this.#router.isRouting || read.waits,
  ): Promise<Found> {
    demandTokens(this.#engine, kind, read.tokens)
    const { local } = this.#router
    const { task, key } = place
    const { after } = read
    const here = async (): Promise<Found> => {
      if (read.tokens.length > 0) await untilCommitted(local, kind, place, read.tokens, deadline)
      return { ...local.read(kind, place), instance: this.#engine.options.instance, stale: undefined }
    }
    return this.#router.reach(
      { kind: this.#kind, task, key },
      {
        here,
        there: async (peer, mostMs, timeoutMs) =>
          foundBy(await peer.get({ kind: this.#kind, key, after, timeoutMs, stale: false }, mostMs)),
      },
      deadline,
      waits,
    )
  }

  /** The task if it is here, this instance's standby, the owner, any other standby: whatever there is first. */
  async #staleFound(kind: KindAt, place: Place, read: ResolvedRead, deadline: Deadline): Promise<Found> {
    const { local, owners, isRouting } = this.#router
    const own =
      local.whereIs(place.task) === 'running' ? undefined : await standbyRead(this.#engine, kind, place, deadline)
    if (own !== undefined) return { ...own, instance: this.#engine.options.instance }
    // One that does not answer leaves time for those that keep a standby.
    const once = new Deadline(this.#engine.options.clock, deadline.leftMs / 2)
    try {
      return await this.#found(kind, place, read, once, false)
    } catch (error) {
      if (!isRouting || !MillraceError.is(error)) throw error
      for (const { http, instance } of await owners.standbysOf(place.task, deadline)) {
        if (http === undefined || deadline.isOver) continue
        const question = { kind: this.#kind, key: place.key, after: [], timeoutMs: 0, stale: true }
        const found = await this.#router
          .peer(http, instance)
          .get(question, Math.max(1, deadline.leftMs))
          .catch(() => undefined)
        if (found !== undefined) return foundBy(found)
      }
      return this.#found(kind, place, read, deadline)
    }
  }
}

const foundBy = ({ stored, offset, instance, stale }: GetAnswer): Found => ({
  stored: stored ?? undefined,
  offset,
  instance,
  stale: stale === null ? undefined : { records: stale.records ?? undefined, ms: stale.ms },
})

async function* pairs(objects: AsyncIterable<ListedObject>): AsyncIterable<readonly [string, unknown]> {
  for await (const { key, value } of objects) yield [key, value]
}
