import { MillraceError } from '../../core/errors.js'
import { partitionOfKey } from '../../log/murmur2.js'
import type { KindDefinition } from '../../model/kind.js'
import type { Engine } from '../../runtime/engine.js'
import { quarantined } from '../../runtime/quarantine.js'
import type { Table } from '../../state/table.js'
import type { TaskState } from '../../state/task-state.js'
import { Parts } from '../../turn/kept/parts.js'
import { expiryOf, lettersOf, rowKey, type Row } from '../../turn/kept/row.js'
import { payloadOf, timersOf } from '../../turn/kept/timers.js'
import { Waiting } from '../../turn/kept/waiting.js'
import { hasFixedWindows, hasWindow, parseWindowKey } from '../../turn/windows/windows.js'
import type {
  LetterStanding,
  ObjectDetail,
  ObjectLine,
  QuarantinedLine,
  ShownRecord,
  ShownTimer,
  ShownWaiting,
} from '../overview/shapes.js'
import { longText, shortText, shownBytes, shownText, shownValue } from './preview.js'

/** Timers that are shown of one object. */
const mostTimers = 200
/** Characters of a timer's payload, and of a key. */
const mediumText = 2_000

export interface Listing {
  readonly kind: string
  readonly prefix: string
  readonly after: string | undefined
  readonly limit: number
}

/** Objects of the tasks that run here, as last committed. */
export class LocalObjects {
  readonly #engine: Engine

  constructor(engine: Engine) {
    this.#engine = engine
  }

  /** Throws `DEFINITION_INVALID` for a kind that the app does not have. */
  definition(kind: string): KindDefinition {
    const found = this.#engine.options.program.kinds.find(({ name }) => name === kind)
    if (found !== undefined) return found
    throw new MillraceError('DEFINITION_INVALID', `'${kind.slice(0, 100)}' is no kind of state object of this app`, {
      kind,
    })
  }

  /** The task of an object; `key`: of a windowed kind with its window. */
  taskOf(kind: string, key: string): number {
    const isWindowed = hasFixedWindows(this.definition(kind)) && hasWindow(key)
    return partitionOfKey(isWindowed ? parseWindowKey(key).key : key, this.#engine.parts.topology.stateTasks)
  }

  runs(task: number): boolean {
    return this.#engine.parts.tasks.running.get(task)?.state !== undefined
  }

  /** The first ones behind `after` in key order, one more than `limit` when there are more. */
  async list({ kind, prefix, after, limit }: Listing): Promise<ObjectLine[]> {
    this.definition(kind)
    const lines: ObjectLine[] = []
    for (const state of this.#states()) {
      await state.flush()
      const entries = tableOf(state, kind)?.committedEntries({ prefix, after, limit: limit + 1 })
      for await (const [key, value] of entries ?? []) lines.push({ key, state: shownValue(value, shortText) })
    }
    return inOrder(lines).slice(0, limit + 1)
  }

  /** All that is known of an object; undefined when its task does not run here. */
  async detail(kind: string, key: string): Promise<ObjectDetail | undefined> {
    const task = this.taskOf(kind, key)
    const found = await this.#row(task, rowKey(kind, key))
    if (found === undefined) return undefined
    const { state, row, parts } = found
    const { touched, ttlMs } = row
    const value = tableOf(state, kind)?.committedState(key)
    return {
      kind,
      key,
      task,
      instance: this.#engine.options.instance,
      state: value === undefined ? undefined : shownValue(value, longText),
      timers: timersIn(row, parts),
      waiting: waitingIn(row, parts),
      quarantine: row.quarantine && { ...onlyShown(row.quarantine), letters: lettersOf(row) },
      expires: touched === undefined || ttlMs === undefined ? undefined : expiryOf(touched, ttlMs),
    }
  }

  /** What is known here of the letters of an object: null when it has none; undefined when its task does not run here. */
  async standing(kind: string, key: string): Promise<LetterStanding | null | undefined> {
    const found = await this.#row(this.taskOf(kind, key), rowKey(kind, key))
    if (found === undefined) return undefined
    const { letters } = found.row
    return letters === undefined ? null : { series: letters.series, done: letters.done }
  }

  /** The first objects in quarantine, one more than `limit` when there are more. */
  async quarantined(limit: number): Promise<QuarantinedLine[]> {
    const lines: QuarantinedLine[] = []
    for await (const object of quarantined(this.#engine)) {
      lines.push({ ...object, instance: this.#engine.options.instance })
      if (lines.length > limit) break
    }
    return lines
  }

  *#states(): Iterable<TaskState> {
    // A copy: tasks may come and go while they are read.
    for (const { state } of Array.from(this.#engine.parts.tasks.running.values())) if (state !== undefined) yield state
  }

  async #row(
    task: number,
    key: string,
  ): Promise<{ readonly state: TaskState; readonly row: Row; readonly parts: Parts } | undefined> {
    const state = this.#engine.parts.tasks.running.get(task)?.state
    if (state === undefined) return undefined
    await state.flush()
    const rows = state.tables.at(-1) as Table
    return { state, row: (rows.committedState(key) ?? {}) as Row, parts: new Parts(rows, key, 0) }
  }
}

const tableOf = (state: TaskState, kind: string): Table | undefined =>
  state.tables.find((table) => table.kind.name === kind)

/** As stores have them: by bytes. */
export function inOrder<T extends { readonly key: string }>(lines: readonly T[]): T[] {
  const keyed = lines.map((line) => [Buffer.from(line.key), line] as const)
  return keyed.sort(([a], [b]) => Buffer.compare(a, b)).map(([, line]) => line)
}

const onlyShown = ({ since, code, until }: NonNullable<Row['quarantine']>) => ({ since, code, until })

function timersIn(row: Row, parts: Parts): readonly ShownTimer[] {
  const set = [...timersOf(row)].sort(([, [a]], [, [b]]) => a - b).slice(0, mostTimers)
  return set.map(([timer, [dueMs, time, , isPutOff = false]]) => {
    const payload = payloadOf(row, parts, timer)
    return { ...timer, time, dueMs, payload: shownText(payload ?? '', mediumText), isPutOff }
  })
}

function waitingIn(row: Row, parts: Parts): ShownWaiting | undefined {
  if (row.waiting === undefined) return undefined
  const waiting = new Waiting(row, parts)
  const { attempt, at } = row.retry ?? {}
  return { count: waiting.count, bytes: waiting.bytes, attempt, retryAt: at, first: firstOf(waiting) }
}

function firstOf(waiting: Waiting): ShownRecord | undefined {
  try {
    const record = waiting.first?.record
    if (record === undefined) return undefined
    const { topic, partition, offset, timestamp, key, value } = record
    return {
      topic,
      partition,
      offset,
      timestamp,
      key: shownBytes(key, mediumText),
      value: shownBytes(value, mediumText),
    }
  } catch {
    // A turn may have changed its rows since the last commit: the next look sees them whole.
    return undefined
  }
}
