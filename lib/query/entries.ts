import { durationMs, type Duration } from '../core/duration.js'
import { checkOptions, duration, oneOf, rule, whole, type Rules } from '../core/options.js'
import { compareKeys } from '../store/key-order.js'
import type { Engine } from '../runtime/engine.js'
import type { EntriesOptions } from '../runtime/state-reader.js'
import { hasWindow, parseWindowKey } from '../turn/windows/windows.js'
import { Deadline } from './local/deadline.js'
import { KindAt, storedVersion } from './local/kind-at.js'
import type { Page } from './local/local-state.js'
import { mostPage } from './peers/messages.js'
import type { ReadOptions } from './read-options.js'
import type { Router, Ways } from './router.js'

export interface StateEntriesOptions extends EntriesOptions {
  /** Only those behind this key: the last one of the page before. @default from the beginning */
  readonly after?: string
  /**
   * `all`: of the whole app, asked of all instances; `local`: of the tasks that this process runs. @default 'all' where the app has `http`, else
   * 'local'
   */
  readonly scope?: 'all' | 'local'
  /** For each page that is asked of an instance. @default '5s' */
  readonly timeout?: Duration
}

const wellFormed = rule(
  'text without halves of surrogate pairs',
  (value) => typeof value === 'string' && value.isWellFormed(),
)

const rules: Rules<StateEntriesOptions> = {
  prefix: wellFormed,
  limit: whole(0, Number.MAX_SAFE_INTEGER),
  after: wellFormed,
  scope: oneOf('all', 'local'),
  timeout: duration,
}

const defaultTimeoutMs = 5_000
/** Pages that are asked for at once. */
const atOnce = 8
const leastPage = 16
/** Objects of all pages that are in memory at a time, about. */
const mostHeld = 32_000

/**
 * Objects in the order of their keys (by UTF-8 bytes), merged over tasks; open sessions of a key by their beginning. Each page of a task is
 * as of when it was read: what is changed meanwhile may or may not be seen, and what is not is seen once. Throws when a part cannot be had.
 */
export function entries(
  engine: Engine,
  router: Router,
  kind: string,
  options: StateEntriesOptions,
  defaults: ReadOptions,
): AsyncIterable<ListedObject> {
  checkOptions('entries', options, rules)
  const { timeout = defaults.timeout } = options
  const timeoutMs = timeout === undefined ? defaultTimeoutMs : durationMs(timeout, 'timeout')
  return {
    [Symbol.asyncIterator]: () =>
      new Merge(engine, router, new KindAt(engine, kind), options, timeoutMs).objects()[Symbol.asyncIterator](),
  }
}

export interface ListedObject {
  readonly key: string
  readonly value: unknown
  readonly version: number
  readonly task: number
}

/** What was read of one task and is not given out yet. */
interface Part {
  readonly task: number
  page: Page
  at: number
  /** The last key of the page. */
  last: string | undefined
}

class Merge {
  readonly #engine: Engine
  readonly #router: Router
  readonly #kind: KindAt
  readonly #prefix: string
  readonly #after: string | undefined
  readonly #limit: number
  readonly #isLocal: boolean
  readonly #timeoutMs: number

  constructor(engine: Engine, router: Router, kind: KindAt, options: StateEntriesOptions, timeoutMs: number) {
    this.#engine = engine
    this.#router = router
    this.#kind = kind
    this.#prefix = options.prefix ?? ''
    this.#after = options.after
    this.#limit = options.limit ?? Infinity
    this.#isLocal = (options.scope ?? (router.isRouting ? 'all' : 'local')) === 'local'
    this.#timeoutMs = timeoutMs
  }

  async *objects(): AsyncGenerator<ListedObject> {
    let left = this.#limit
    if (left <= 0) return
    for await (const [storedKey, stored] of this.#stored()) {
      for (const [key, value] of this.#kind.objectsIn(storedKey, stored)) {
        if (!this.#isWanted(storedKey, key)) continue
        const task = this.#kind.taskOfStored(storedKey)
        yield { key, value, version: storedVersion(stored), task }
        if (--left <= 0) return
      }
    }
  }

  /** Of sessions several have one stored key. */
  #isWanted(storedKey: string, key: string): boolean {
    if (!this.#kind.hasSessions) return true
    if (!key.startsWith(this.#prefix)) return false
    const after = this.#after
    if (after === undefined || !hasWindow(after)) return true
    const behind = parseWindowKey(after)
    if (behind.key !== storedKey) return true
    const { window } = parseWindowKey(key)
    return (
      window.start > behind.window.start || (window.start === behind.window.start && window.end > behind.window.end)
    )
  }

  async *#stored(): AsyncGenerator<readonly [string, string]> {
    for (const key of this.#keysBefore()) {
      const page = await this.#page(this.#kind.taskOf(key), { prefix: key, after: undefined, limit: 1 })
      const [first] = page?.entries ?? []
      if (first?.[0] === key) yield first
    }
    yield* this.#merged()
  }

  /**
   * Stored keys that the range of stored keys does not have, of sessions only: those whose windows the prefix reaches into, and the one
   * whose session is the last of the page before. In order.
   */
  #keysBefore(): readonly string[] {
    if (!this.#kind.hasSessions) return []
    const keys: string[] = []
    const prefix = this.#prefix
    const last = prefix.lastIndexOf('|')
    const lastButOne = last < 1 ? -1 : prefix.lastIndexOf('|', last - 1)
    for (const end of [lastButOne, last]) if (end >= 0) keys.push(prefix.slice(0, end))
    const after = this.#after
    if (after === undefined) return keys
    const behind = hasWindow(after) ? parseWindowKey(after).key : undefined
    if (behind?.startsWith(prefix) === true) keys.push(behind)
    return keys.filter((key) => compareKeys(key, behind ?? after) >= (behind === undefined ? 1 : 0))
  }

  async *#merged(): AsyncGenerator<readonly [string, string]> {
    // Those that have something, the one whose key is first at the end: of a thousand tasks not all are looked at for each object.
    const parts: Part[] = []
    for (const part of await this.#parts()) if (part.page.entries.length > 0) addInOrder(parts, part)
    for (let first = parts.pop(); first !== undefined; first = parts.pop()) {
      // Throws what has stopped the engine: nobody is to take for complete what was read before.
      void this.#engine.parts
      yield first.page.entries[first.at++] as readonly [string, string]
      if (first.at === first.page.entries.length && !first.page.isLast) await this.#fill(first)
      if (first.at < first.page.entries.length) addInOrder(parts, first)
    }
    void this.#engine.parts
  }

  async #parts(): Promise<readonly Part[]> {
    const tasks = this.#isLocal ? [...this.#engine.parts.tasks.running.keys()] : this.#kind.tasks
    const withState = tasks.filter((task) => this.#kind.tasks.includes(task))
    const after = this.#after
    const last = after !== undefined && this.#kind.hasSessions && hasWindow(after) ? parseWindowKey(after).key : after
    const none: Page = { entries: [], isLast: false }
    const parts = withState.map((task): Part => ({ task, page: none, at: 0, last }))
    for (let i = 0; i < parts.length; i += atOnce)
      await Promise.all(parts.slice(i, i + atOnce).map((part) => this.#fill(part)))
    return parts
  }

  async #fill(part: Part): Promise<void> {
    const tasks = Math.max(1, this.#kind.tasks.length)
    const wanted = Math.min(2 * this.#limit, mostHeld)
    const limit = Math.min(mostPage, Math.max(leastPage, Math.ceil(wanted / tasks)))
    const page = await this.#page(part.task, { prefix: this.#prefix, after: part.last, limit })
    part.page = page
    part.at = 0
    part.last = page.entries.at(-1)?.[0] ?? part.last
  }

  #page(
    task: number,
    options: { readonly prefix: string; readonly after: string | undefined; readonly limit: number },
  ): Promise<Page> {
    const { name } = this.#kind.definition
    const here = (): Promise<Page> => this.#router.local.page(this.#kind, task, options)
    if (this.#isLocal) return here()
    const question = { kind: name, task, ...options, after: options.after ?? null }
    const deadline = new Deadline(this.#engine.options.clock, this.#timeoutMs)
    const ways: Ways<Page> = { here, there: (peer, mostMs) => peer.page(question, mostMs) }
    return this.#router.reach({ kind: name, task }, ways, deadline, true)
  }
}

const keyAt = ({ page, at }: Part): string => (page.entries[at] as readonly [string, string])[0]

/** The last key first. */
function addInOrder(parts: Part[], part: Part): void {
  let [from, to] = [0, parts.length]
  while (from < to) {
    const middle = (from + to) >> 1
    if (compareKeys(keyAt(parts[middle] as Part), keyAt(part)) > 0) from = middle + 1
    else to = middle
  }
  parts.splice(from, 0, part)
}
