import type { Route } from '../http/route.js'
import type { AnyStateObject } from '../model/state-object.js'
import type { Engine } from '../runtime/engine.js'
import { checkOptions } from '../core/options.js'
import { kindName } from '../runtime/quarantine.js'
import { Deadline } from './local/deadline.js'
import { KindAt } from './local/kind-at.js'
import { peerRoute } from './peers/peer-route.js'
import type { ReadOptions } from './read-options.js'
import { RoutedState } from './routed-state.js'
import { Router } from './router.js'
import { Changes, type Change, type Watched } from './watch/changes.js'
import { onlyChanges, watchedIn, watchRules, type WatchOptions, type WatchPrefix } from './watch/watching.js'

/** Who has an object. */
export interface Owner {
  readonly kind: string
  readonly key: string
  readonly task: number
  /** Undefined when the group says of nobody. */
  readonly instance: string | undefined
  /** Where it can be asked; undefined when nowhere. */
  readonly url: string | undefined
  /** Whether it is this instance. */
  readonly isHere: boolean
  /**
   * `running`: it answers for it now; `restoring`: the task is there, or on its way, and does not run yet; `unknown`: nobody has it, or who has it
   * cannot be asked.
   */
  readonly state: 'running' | 'restoring' | 'unknown'
}

export interface QueriesOptions {
  /** From which is made what instances send each other. */
  readonly token: string | undefined
}

const ownerMs = 5_000
const peerMs = 2_000

/** State of the whole app, asked from this instance. */
export class Queries {
  readonly #engine: Engine
  readonly #router: Router

  constructor(engine: Engine, { token }: QueriesOptions) {
    this.#engine = engine
    this.#router = new Router(engine, token)
  }

  state(kind: AnyStateObject, options?: ReadOptions): RoutedState {
    return new RoutedState(this.#engine, this.#router, kind, options)
  }

  /** Rejects with `DEFINITION_INVALID` and `OPTIONS_INVALID`. */
  async owner(of: AnyStateObject | string, key: string): Promise<Owner> {
    const name = kindName(of)
    const { task } = new KindAt(this.#engine, name).place(key)
    const { local, owners } = this.#router
    const { clock, instance, http } = this.#engine.options
    const here = { kind: name, key, task, instance, url: http?.(), isHere: true } as const
    const where = local.whereIs(task)
    if (where !== 'elsewhere') return { ...here, state: where }
    const deadline = new Deadline(clock, ownerMs)
    const member = await owners.of(task, deadline)
    if (member === undefined) {
      owners.wrong()
      return { kind: name, key, task, instance: undefined, url: undefined, isHere: false, state: 'unknown' }
    }
    if (owners.isHere(member)) return { ...here, state: 'restoring' }
    const { instance: other, http: url } = member
    return { kind: name, key, task, instance: other, url, isHere: false, state: await this.#stateAt(url, other, task) }
  }

  async #stateAt(url: string | undefined, instance: string, task: number): Promise<Owner['state']> {
    if (url === undefined) return 'unknown'
    try {
      const { state } = await this.#router.peer(url, instance).task(task, peerMs)
      // Given to it, and it has not heard of that yet.
      if (state !== 'running') this.#router.owners.wrong()
      return state === 'elsewhere' ? 'restoring' : state
    } catch {
      this.#router.owners.wrong()
      return 'unknown'
    }
  }

  /** Begins at the call, whenever it is read. Throws `OPTIONS_INVALID`, and what stopped the engine; in the middle as `Changes` does. */
  watch(of: AnyStateObject | string, what: string | WatchPrefix, options: WatchOptions = {}): AsyncIterable<Change> {
    checkOptions('watch', options, watchRules)
    const opened = this.changes(kindName(of), watchedIn(what), options.after)
    opened.catch(() => undefined)
    return onlyChanges(opened, options.signal)
  }

  /** See `Changes.open`. */
  async changes(kind: string, watched: Watched, after: string | undefined): Promise<Changes> {
    return Changes.open(this.#engine, new KindAt(this.#engine, kind), watched, after)
  }

  /** The kind of that name. Throws `DEFINITION_INVALID`. */
  kind(name: string): AnyStateObject {
    return { kind: 'stateObject', name, definition: new KindAt(this.#engine, name).definition }
  }

  /** What other instances ask this one. */
  get peers(): Route {
    return peerRoute(this.#engine, this.#router.local)
  }
}
