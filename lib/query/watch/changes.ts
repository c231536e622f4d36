import { utf8Text } from '../../core/bytes.js'
import { offsetOf, PositionMap } from '../../core/record.js'
import { loadCompressions } from '../../log/compression/compression.js'
import { recordCursor } from '../../log/cursor.js'
import type { Fetched, RecordCursor, TopicInfo } from '../../log/port.js'
import type { Engine } from '../../runtime/engine.js'
import { tombstoneRetentionMs } from '../../state/open-store.js'
import { versionIn } from '../../state/state-version.js'
import { sessionOf, type Sessions } from '../../turn/windows/sessions.js'
import { hasWindow, parseWindowKey, windowKey } from '../../turn/windows/windows.js'
import type { KindAt } from '../local/kind-at.js'
import { changeId, invalid, readChangeId, type WatchPlace } from './change-id.js'

/** What one commit has made of an object. */
export interface Change<S = unknown> {
  /** A watch that is begun with `after: id` goes on behind this change. */
  readonly id: string
  readonly key: string
  /** A copy; undefined when it was deleted. */
  readonly value: S | undefined
  readonly deleted: boolean
  readonly task: number
  /** In the changelog of the kind, in the partition of the task. */
  readonly offset: number
  /** Of the kind's schema, by which it was stored; undefined when it was deleted. */
  readonly version: number | undefined
}

/** Nothing for who watches, but it has come further. */
export interface Passed {
  readonly id: string
  readonly key?: undefined
}

/** One key, or all that begin with a prefix. */
export interface Watched {
  readonly key?: string
  readonly prefix: string
}

/** Of one partition in one answer: what is in memory at a time, however slow its reader is. */
const maxBytes = 256 << 10
/** Part of the retention of tombstones that is kept as a margin for clocks that differ. */
const margin = 0.1

/** Committed changes of a kind, read from its changelog: so from any instance, whoever has the tasks. */
export class Changes {
  readonly #engine: Engine
  readonly #kind: KindAt
  readonly #watched: Watched
  readonly #topic: string
  readonly #info: TopicInfo
  readonly #first: number
  readonly #offsets: number[]
  /** Under which key what is watched is stored; undefined for a prefix. */
  readonly #storedKey: string | undefined
  /** Of one session: it was told last that there is none. */
  #isTold = false

  private constructor(engine: Engine, kind: KindAt, watched: Watched, info: TopicInfo, place: WatchPlace) {
    this.#engine = engine
    this.#kind = kind
    this.#watched = watched
    this.#topic = kind.changelog
    this.#info = info
    this.#first = place.first
    this.#offsets = [...place.offsets]
    this.#storedKey = watched.key === undefined ? undefined : storedKeyOf(kind, watched.key)
  }

  /** From now on, or from behind `after`. Rejects with `TOKEN_INVALID`. */
  static async open(engine: Engine, kind: KindAt, watched: Watched, after: string | undefined): Promise<Changes> {
    const { changelogs } = engine.parts.topology
    const { info } = changelogs[kind.index] as { readonly info: TopicInfo }
    const { key } = watched
    const tasks = key === undefined ? kind.tasks : [kind.taskOf(ofKey(kind, key))]
    const given = after === undefined ? undefined : readChangeId(info.id, after)
    const { admin } = engine.options.log
    const at = tasks.map((partition) => ({ topic: kind.changelog, partition }))
    const [ends, starts] = await Promise.all([admin.endOffsets(at, 'committed'), admin.startOffsets(at)])
    const of = (offsets: typeof ends): number[] => tasks.map((task) => offsetOf(offsets, kind.changelog, task) ?? 0)
    if (given !== undefined)
      demandPlace(given, tasks, { starts: of(starts), ends: of(ends) }, info, engine.options.clock.now())
    const place = given ?? { first: tasks[0] ?? 0, offsets: of(ends), at: 0 }
    return new Changes(engine, kind, watched, info, place)
  }

  /** Ends when `signal` aborts. Rejects with what stops the engine. Each call begins where it was opened. */
  read(signal: AbortSignal): AsyncGenerator<Change | Passed, void, undefined> {
    const place = { first: this.#first, offsets: this.#offsets, at: 0 }
    return new Changes(this.#engine, this.#kind, this.#watched, this.#info, place).#read(signal)
  }

  async *#read(signal: AbortSignal): AsyncGenerator<Change | Passed, void, undefined> {
    const stopping = new AbortController()
    const stop = (): void => stopping.abort()
    signal.addEventListener('abort', stop, { once: true })
    const unlisten = this.#engine.onCommitted(() => {
      if (this.#isStopped) stop()
    })
    const fetcher = this.#engine.options.log.fetcher({ isolation: 'committed', purpose: 'live', maxBytes })
    try {
      const from = this.#offsets.map((offset, i) => [this.#topic, this.#first + i, offset] as const)
      fetcher.assign(PositionMap.of(from).topics, new Map([[this.#topic, this.#info.id]]))
      while (!signal.aborted) {
        void this.#engine.parts
        for (const fetched of await fetcher.next(stopping.signal)) {
          await loadCompressions(fetched.bytes)
          yield* this.#changesIn(fetched, signal)
        }
      }
    } finally {
      unlisten()
      signal.removeEventListener('abort', stop)
      await fetcher[Symbol.asyncDispose]()
    }
  }

  get #isStopped(): boolean {
    try {
      void this.#engine.parts
      return false
    } catch {
      return true
    }
  }

  *#changesIn(fetched: Fetched, signal: AbortSignal): Generator<Change | Passed, void, undefined> {
    const cursor = recordCursor(fetched)
    const { partition } = fetched
    let given = 0
    while (cursor.next()) {
      if (signal.aborted) return
      const key = cursor.keyStart < 0 ? '' : utf8Text(cursor.bytes, cursor.keyStart, cursor.keyEnd)
      if (!this.#isWatched(key)) continue
      const changes = this.#objectsIn(key, fetched, cursor)
      for (const [i, change] of changes.entries()) {
        given++
        // All that one record tells is had or not had: a watch that goes on in the middle begins with the record again.
        this.#offsets[partition - this.#first] = cursor.offset + (i === changes.length - 1 ? 1 : 0)
        yield { ...change, id: this.#id(), task: partition, offset: cursor.offset }
      }
    }
    this.#offsets[partition - this.#first] = fetched.to
    if (given === 0) yield { id: this.#id() }
  }

  #id(): string {
    return changeId(this.#info.id, { first: this.#first, offsets: this.#offsets, at: this.#engine.options.clock.now() })
  }

  #isWatched(key: string): boolean {
    if (this.#storedKey !== undefined) return key === this.#storedKey
    if (key.startsWith(this.#watched.prefix)) return true
    return this.#kind.hasSessions && this.#watched.prefix.startsWith(`${key}|`)
  }

  /** What a record of the changelog says of objects; see `App.watch` for sessions. */
  #objectsIn(
    storedKey: string,
    fetched: Fetched,
    cursor: RecordCursor,
  ): readonly Pick<Change, 'key' | 'value' | 'deleted' | 'version'>[] {
    const { codec, hasSessions } = this.#kind
    const isGone = cursor.valueStart < 0
    const version = isGone ? undefined : versionIn(cursor.headers(), fetched, cursor.offset)
    const state =
      version === undefined
        ? undefined
        : codec.decode(storedKey, codec.fromWire(cursor.bytes, cursor.valueStart, cursor.valueEnd, version))
    if (!hasSessions) return [{ key: storedKey, value: state, deleted: isGone, version }]
    const sessions = (state ?? []) as Sessions
    const { key = '', prefix } = this.#watched
    if (key !== '' && key !== storedKey) {
      const value = sessionOf(sessions, key)
      if (value === undefined && this.#isTold) return []
      this.#isTold = value === undefined
      return [{ key, value, deleted: value === undefined, version: value === undefined ? undefined : version }]
    }
    const open = sessions
      .map((session) => ({ key: windowKey(storedKey, session), value: session.state, deleted: false, version }))
      .filter((session) => this.#storedKey !== undefined || session.key.startsWith(prefix))
    return [{ key: storedKey, value: undefined, deleted: true, version: undefined }, ...open]
  }
}

const ofKey = (kind: KindAt, key: string): string =>
  kind.definition.window !== undefined && hasWindow(key) ? parseWindowKey(key).key : key

/** Of session kinds also the key of all its sessions may be watched. */
const storedKeyOf = (kind: KindAt, key: string): string =>
  kind.hasSessions && !hasWindow(key) ? key : kind.place(key).storedKey

function demandPlace(
  { first, offsets, at }: WatchPlace,
  tasks: readonly number[],
  { starts, ends }: { readonly starts: readonly number[]; readonly ends: readonly number[] },
  info: TopicInfo,
  now: number,
): void {
  if (first !== tasks[0] || offsets.length !== tasks.length)
    throw invalid(
      'its id is of a watch of something else: of one key, and not of a prefix, or of a key of another task',
    )
  const isOld = now - at > tombstoneRetentionMs(info) * (1 - margin)
  for (const [i, offset] of offsets.entries()) {
    const [start = 0, end = 0] = [starts[i], ends[i]]
    if (offset < start)
      throw invalid(`task ${first + i} is known from ${start} on, and it stood at ${offset}: begin anew`)
    if (offset > end)
      throw invalid(`task ${first + i} ends at ${end}, and it stood at ${offset}: it is of another cluster`)
    if (isOld && end - offset > 1)
      throw invalid(
        'it is older than the changelog keeps deletions (delete.retention.ms), and some may be missing: begin anew',
      )
  }
}
