import { cutText, MillraceError } from '../core/errors.js'
import { anyText, checkOptions, shown, whole, type Rules } from '../core/options.js'
import { partitionOfKey } from '../log/murmur2.js'
import type { KindDefinition } from '../model/kind.js'
import type { AnyStateObject } from '../model/state-object.js'
import type { Table } from '../state/table.js'
import { sessionOf, type Sessions } from '../turn/windows/sessions.js'
import { parseWindowKey, windowKey } from '../turn/windows/windows.js'
import type { Engine } from './engine.js'

export interface EntriesOptions {
  /** What the keys begin with. @default '' */
  readonly prefix?: string
  /** So many objects at most. @default all */
  readonly limit?: number
}

const entriesOptions: Rules<EntriesOptions> = { prefix: anyText, limit: whole(0, Number.MAX_SAFE_INTEGER) }

/** Throws `OPTIONS_INVALID`. */
export function demandKind(kind: unknown): void {
  if ((kind as Partial<AnyStateObject> | null | undefined)?.kind === 'stateObject') return
  const what = `state: ${shown(kind)} is no state object; give the one that the app was given`
  throw new MillraceError('OPTIONS_INVALID', what)
}

/** Throws `OPTIONS_INVALID`. */
export function demandStateKey(kind: string, key: unknown): void {
  if (typeof key === 'string' && key.isWellFormed()) return
  const given = typeof key === 'string' ? 'text with half a surrogate pair, which has no UTF-8 form' : shown(key)
  const what = `state of '${kind}': the key is ${given}; give the key of an object, which is text`
  throw new MillraceError('OPTIONS_INVALID', what, { kind })
}

/** Reads committed state of the tasks this process runs. */
export class CommittedState {
  readonly #engine: Engine
  readonly #kind: string
  readonly #definition: KindDefinition

  /** Throws `OPTIONS_INVALID` for what is no state object. */
  constructor(engine: Engine, kind: AnyStateObject) {
    demandKind(kind)
    const { name, definition } = kind
    this.#engine = engine
    this.#kind = name
    this.#definition = definition
  }

  /**
   * The object as last committed, of a windowed kind by key and window (`windowKey`); undefined when there is none. Rejects
   * with `KEY_ELSEWHERE` when another process runs its task.
   */
  async get(key: string): Promise<unknown> {
    demandStateKey(this.#kind, key)
    const { topology } = this.#engine.parts
    const { window } = this.#definition
    const ofKey = window === undefined ? key : parseWindowKey(key).key
    const task = partitionOfKey(ofKey, topology.stateTasks)
    const table = await this.#flushed(task)
    if (table !== undefined)
      return window?.kind === 'session'
        ? sessionOf(table.committedState(ofKey) as Sessions | undefined, key)
        : table.committedState(key)
    throw new MillraceError(
      'KEY_ELSEWHERE',
      `${this.#kind} '${key}' is in task ${task}, which another process runs, or which is being restored`,
      {
        kind: this.#kind,
        key,
        partition: task,
      },
    )
  }

  /** The answer to a query of the kind, from the object as last committed; rejects as `get` does. */
  async ask(key: string, query: string, ...args: unknown[]): Promise<unknown> {
    const answer = this.#definition.queries.get(query)
    if (answer === undefined) throw unknownQuery(this.#kind, query, this.#definition.queries)
    const state = await this.get(key)
    return state === undefined ? undefined : (answer(state as never, ...(args as never[])) as unknown)
  }

  /** All objects of the tasks this process runs, task by task, in key order within a task. */
  entries(options: EntriesOptions = {}): AsyncIterable<readonly [string, unknown]> {
    checkOptions('entries', options, entriesOptions)
    return this.#entries(options)
  }

  async *#entries(options: EntriesOptions): AsyncIterable<readonly [string, unknown]> {
    let left = options.limit ?? Infinity
    // A copy: tasks may come and go while a caller takes its time.
    const tasks = Array.from(this.#engine.parts.tasks.running.keys())
    for (const task of tasks) {
      const table = await this.#flushed(task)
      if (table === undefined) continue
      for await (const entry of table.committedEntries({ prefix: options.prefix ?? '' })) {
        for (const object of this.#objectsIn(entry)) {
          if (left-- <= 0) return
          yield object
        }
      }
    }
  }

  /** The open sessions of a key are one object in the store, and one each to those who ask. */
  #objectsIn(entry: readonly [string, unknown]): readonly (readonly [string, unknown])[] {
    if (this.#definition.window?.kind !== 'session') return [entry]
    const [key, sessions] = entry
    return (sessions as Sessions).map((session) => [windowKey(key, session), session.state])
  }

  /** The table of a task, with all that is committed in its store. */
  async #flushed(task: number): Promise<Table | undefined> {
    const { tasks, topology } = this.#engine.parts
    const state = tasks.running.get(task)?.state
    const index = topology.changelogs.findIndex(({ kind }) => kind.name === this.#kind)
    if (index < 0)
      throw new MillraceError('DEFINITION_INVALID', `state object '${this.#kind}' is not part of this app`, {
        kind: this.#kind,
      })
    await state?.flush()
    return state?.tables[index]
  }
}

/** For a query that a kind does not have. */
export function unknownQuery(kind: string, query: string, queries: ReadonlyMap<string, unknown>): MillraceError {
  const known = queries.size === 0 ? 'it has none' : `its queries are: ${[...queries.keys()].join(', ')}`
  return new MillraceError(
    'DEFINITION_INVALID',
    `state object '${kind}' has no query '${cutText(String(query), 80).toWellFormed()}': ${known}`,
    { kind },
  )
}
