import type { Clock } from '../core/clock.js'
import { StateMeter } from '../core/telemetry/state-meter.js'
import type { Store } from '../store/store.js'
import { dueFrom, parseDue, type Due, type DueTime } from './due.js'
import { metaKey, type StoreMeta } from './meta.js'
import { ObjectBatch } from './object-batch.js'
import type { KnownStanding, Standing } from './standing.js'
import { raised } from './state-version.js'
import { Table, type Entry, type StateKind, type TableChanges } from './table.js'

/** Where the keys of objects lie, whose kinds have printable names. */
const ofKinds = { from: ' ', to: '\x7f' }

/** All changes of one task in one commit. */
export interface TaskChanges {
  readonly task: TaskState
  readonly tables: readonly TableChanges[]
}

/** The state of one task: a table per kind over one store, and what the store knows of itself. */
export class TaskState {
  readonly task: number
  readonly tables: readonly Table[]
  readonly #store: Store
  readonly #clock: Clock
  readonly #meter: StateMeter
  #meta: StoreMeta
  #committedSeq = 0
  #flushedSeq = 0
  #behind = false
  #writing: Promise<void> = Promise.resolve()
  #flushes = 0

  constructor(options: {
    task: number
    kinds: readonly StateKind[]
    store: Store
    meta: StoreMeta
    cacheEntries: number
    clock: Clock
    meter?: StateMeter | undefined
  }) {
    const meter = options.meter ?? new StateMeter()
    this.task = options.task
    this.tables = options.kinds.map(
      (kind) => new Table(kind, options.store, options.cacheEntries, meter.cache(kind.name)),
    )
    this.#store = options.store
    this.#meta = options.meta
    this.#clock = options.clock
    this.#meter = meter
  }

  /** Whether anything was changed since the last seal. */
  get dirty(): boolean {
    return this.tables.some((table) => table.dirtyCount > 0)
  }

  /** Whether turns have objects that no commit waits for. */
  get anyParked(): boolean {
    return this.tables.some((table) => table.anyParked)
  }

  /** About how many characters the changes since the last seal will be, encoded. */
  get dirtyLength(): number {
    return this.tables.reduce((sum, table) => sum + table.dirtyLength, 0)
  }

  /** Offset of the changelog up to which the store, or the batch it will write next, is complete. */
  changelogOffset(topic: string): number | undefined {
    return this.#meta.changelogs[topic]?.offset
  }

  /** Where the task stood at the last commit that it has; undefined when that was never kept. */
  get standing(): KnownStanding | undefined {
    return this.#meta.topics === undefined ? undefined : this.#meta
  }

  /** Whether there is any object, or anything noted of one. */
  async holdsAnything(): Promise<boolean> {
    for await (const _ of this.#store.entries({ ...ofKinds, limit: 1 })) return true
    return false
  }

  /** Takes back what was changed since the last seal; see `Table.undo`. */
  undo(): void {
    for (const table of this.tables) table.undo()
  }

  /** What changed since the last seal; see `Table.changes`. */
  changes(): TaskChanges {
    return { task: this, tables: this.tables.map((table) => table.changes()) }
  }

  seal(seq: number, changes: TaskChanges): void {
    this.tables.forEach((table, i) => table.seal(changes.tables[i] as TableChanges))
    for (const table of this.tables) table.rotate(seq, this.#flushedSeq)
  }

  /**
   * The commit is decided. `appended` gives, per changelog, the end of this task's own last append: never a log end read
   * elsewhere, which might already cover the next commit.
   */
  committed(
    changes: TaskChanges,
    seq: number,
    appended: ReadonlyMap<string, number>,
    { positions, topics }: Standing,
  ): void {
    this.tables.forEach((table, i) => table.committed(changes.tables[i] as TableChanges))
    const changelogs = { ...this.#meta.changelogs }
    for (const [topic, offset] of appended) {
      const known = changelogs[topic]
      // Rule own-append (integration/model).
      if (known !== undefined) changelogs[topic] = { ...known, offset }
    }
    this.#meta = {
      ...this.#meta,
      changelogs,
      versions: writtenBy(changes, this.#meta.versions),
      positions: Object.fromEntries(positions),
      topics: Object.fromEntries(topics),
      appliedAt: this.#clock.now(),
      clean: false,
    }
    this.#committedSeq = seq
    this.#behind = true
  }

  get unflushedEntries(): number {
    return this.tables.reduce((sum, table) => sum + table.unflushedCount, 0)
  }

  /** Characters of committed changes that are not in the store yet. */
  get unflushedLength(): number {
    return this.tables.reduce((sum, table) => sum + table.unflushedLength, 0)
  }

  /** Writes all committed changes, with their offsets, in one atomic batch. One flush runs at a time. */
  flush(): Promise<void> {
    return this.#afterWrites(() => this.#write(false))
  }

  /** A store has one batch open at a time. */
  #afterWrites(write: () => Promise<void>): Promise<void> {
    this.#flushes++
    this.#writing = this.#writing.then(write).finally(() => this.#flushes--)
    return this.#writing
  }

  get flushing(): boolean {
    return this.#flushes > 0
  }

  async #write(clean: boolean): Promise<void> {
    if (!this.#behind && !clean) return
    this.#behind = false
    const since = this.#clock.elapsed()
    const seq = this.#committedSeq
    const batch = this.#store.batch()
    const objects = new ObjectBatch(this.#store, batch)
    const written: (readonly Entry[])[] = this.tables.map((table) => table.flush(objects))
    // Rule one-batch (integration/model).
    batch.put(metaKey, JSON.stringify(clean ? { ...this.#meta, clean: true } : this.#meta))
    await batch.write({ sync: clean })
    this.#flushedSeq = seq
    this.#meter.flushes.add((this.#clock.elapsed() - since) / 1_000)
    for (const entries of written) this.#meter.flushedObjects += entries.length
    this.tables.forEach((table, i) => table.flushed(written[i] as readonly Entry[], seq))
  }

  /** Drops what was never committed and forgets the cache: the next touch reads the last committed state. */
  async discard(): Promise<void> {
    await this.flush()
    for (const table of this.tables) table.clear()
  }

  /** Writes what is committed, with the clean marker, and closes the store. */
  async close(): Promise<void> {
    try {
      // Rule flush-before-close (integration/model).
      await this.#writing
      await this.#write(true)
    } finally {
      await this.#store.close()
    }
  }

  /** What the store lists as due from one time to before another, earliest first, as of the call. */
  async *due(time: DueTime, fromMs: number, toMs: number, limit?: number): AsyncIterable<Due> {
    const range = { from: dueFrom(time, fromMs), to: dueFrom(time, toMs) }
    for await (const [key] of this.#store.entries(limit === undefined ? range : { ...range, limit }))
      yield parseDue(key)
  }

  /** The store and what it knows, for rolling it forward; nothing may be uncommitted or unflushed. */
  get rolling(): { readonly store: Store; readonly meta: StoreMeta } {
    return { store: this.#store, meta: this.#meta }
  }

  rolledForward(meta: StoreMeta): void {
    this.#meta = meta
  }
}

/** `versions` with those of the kinds that a commit has written objects of. */
function writtenBy({ tables }: TaskChanges, versions: StoreMeta['versions']): StoreMeta['versions'] {
  for (const { table, values } of tables) {
    const { name, version = 1 } = table.kind
    if (version > (versions?.[name] ?? 1) && values.some((value) => value !== null))
      versions = raised(versions, name, version)
  }
  return versions
}
