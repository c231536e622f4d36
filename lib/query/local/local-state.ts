import { MillraceError } from '../../core/errors.js'
import type { Engine } from '../../runtime/engine.js'
import type { Table } from '../../state/table.js'
import type { TaskState } from '../../state/task-state.js'
import { shownKey, type KindAt, type Place } from './kind-at.js'

/** An object as its task has committed it. */
export interface Stored {
  /** Undefined when there is none. */
  readonly stored: string | undefined
  /** Up to here the changelog of its kind has had its effect. */
  readonly offset: number
}

/** Stored objects in key order, and whether there are more behind them. */
export interface Page {
  readonly entries: readonly (readonly [key: string, stored: string])[]
  readonly isLast: boolean
}

export interface PageOptions {
  readonly prefix: string
  /** Only keys behind this one. */
  readonly after: string | undefined
  readonly limit: number
}

/** Characters of a page: then it ends early. */
const pageLength = 1 << 18

/** `running`: it can be read here; `restoring`: it is this instance's, and not there yet. */
export type Whereabouts = 'running' | 'restoring' | 'elsewhere'

/** Committed state of the tasks that this process runs. */
export class LocalState {
  readonly engine: Engine

  constructor(engine: Engine) {
    this.engine = engine
  }

  whereIs(task: number): Whereabouts {
    const { tasks } = this.engine.parts
    if (tasks.running.has(task)) return 'running'
    return tasks.held.includes(task) ? 'restoring' : 'elsewhere'
  }

  /** Throws `KEY_ELSEWHERE` or `KEY_RESTORING` when it is not running here. */
  read(kind: KindAt, place: Place): Stored {
    const { state, table } = this.#demand(kind, place.task, place.key)
    return { stored: table.committedText(place.storedKey), offset: state.changelogOffset(kind.changelog) ?? 0 }
  }

  /** A part of the objects of one task. Throws as `read` does. */
  async page(kind: KindAt, task: number, options: PageOptions): Promise<Page> {
    const { state, table } = this.#demand(kind, task)
    try {
      await state.flush()
      return await pageOf(table, options)
    } catch (error) {
      // When it goes meanwhile its store is closed.
      if (this.#demand(kind, task).state === state) throw error
      throw notHere('restoring', kind.definition.name, task)
    }
  }

  /** The rows of a task, in which stands what waits for its objects. */
  rows(kind: KindAt, task: number): Table {
    return this.#demand(kind, task).state.tables.at(-1) as Table
  }

  #demand(kind: KindAt, task: number, key?: string): { readonly state: TaskState; readonly table: Table } {
    const state = this.engine.parts.tasks.running.get(task)?.state
    const table = state?.tables[kind.index]
    if (state !== undefined && table !== undefined) return { state, table }
    throw notHere(this.whereIs(task), kind.definition.name, task, key)
  }
}

async function pageOf(table: Table, { prefix, after, limit }: PageOptions): Promise<Page> {
  const entries: (readonly [string, string])[] = []
  let length = 0
  for await (const entry of table.committedTexts({ prefix, after })) {
    if (entries.length >= limit || length >= pageLength) return { entries, isLast: false }
    entries.push(entry)
    length += entry[0].length + entry[1].length
  }
  return { entries, isLast: true }
}

export function notHere(where: Whereabouts, kind: string, task: number, key?: string): MillraceError {
  const what = key === undefined ? `task ${task} of ${kind}` : `${kind} '${shownKey(key)}' is in task ${task}, which`
  const facts = { kind, partition: task, ...(key === undefined ? {} : { key }) }
  return where === 'restoring'
    ? new MillraceError('KEY_RESTORING', `${what} is being restored in this instance: ask again`, facts)
    : new MillraceError('KEY_ELSEWHERE', `${what} another instance has`, facts)
}
