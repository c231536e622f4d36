import { ttlMs, windowMs, type Batch, type Done } from './program.js'
import type { Dropped } from './replaying.js'
import { Sessions } from './sessions.js'

/** A letter that is left for good. */
export interface LateLetter {
  readonly kind: string
  readonly object: string
  readonly numbers: readonly number[]
}

interface Sent {
  readonly from: 'batches' | 'alone'
  readonly batch: Batch
}

interface Life {
  place: number
  lastMs: number
  ids: number[]
  readonly timers: Map<string, number>
}

const newLife = (): Life => ({ place: 0, lastMs: -Infinity, ids: [], timers: new Map() })

interface Others {
  /** Quarantines were, or ended by themselves, so that later records have come before those that were dead letters. */
  readonly isLifted: boolean
  /** Some of them may have been run before they were dropped. */
  readonly dropped: readonly Dropped[]
}

/** What objects come to by what their turns say, each in its place, and what of it is not as the records say. */
export class Fold {
  readonly faults: string[] = []
  readonly #isLifted: boolean
  readonly #sent: readonly Sent[]
  readonly #dropped: ReadonlySet<string>
  readonly #lives = new Map<string, Life>()
  /** Of each object, the turns it has had and null where it was gone. */
  readonly #states = new Map<string, (number | null)[]>()
  readonly #seen = new Map<string, number>()
  readonly #sessions = new Map<string, Sessions>()
  readonly #latest = new Map<string, number>()
  readonly #items = new Map<
    number,
    { readonly item: Batch['items'][number]; readonly lane: string; readonly at: number }
  >()

  constructor(sent: readonly Sent[], { isLifted, dropped }: Others) {
    this.#sent = sent
    this.#isLifted = isLifted
    this.#dropped = new Set(dropped.map(({ what, name, n }) => `${what} ${name} ${n}`))
    for (const { batch } of sent)
      for (const item of batch.items) this.#items.set(item.n, { item, lane: batch.lane, at: batch.at })
  }

  take(each: Done): void {
    const name = `${each.kind} ${each.object}`
    if (each.kind === 'session') return this.#takeOfSession(each, name)
    let life = this.#lives.get(name) ?? newLife()
    if (each.what === 'close') return this.#closed(each, name, life)
    if (each.place === 1 && life.place > 0 && each.atMs - life.lastMs >= ttlMs && isKept(each.kind)) {
      this.#stateOf(name).push(null)
      life = newLife()
    }
    this.#lives.set(name, life)
    if (each.place !== life.place + 1) this.#fault(name, `turn ${each.place} after ${life.place}`)
    life.place = each.place
    life.lastMs = each.atMs
    this.#stateOf(name).push(each.place)
    if (each.what === 'timer') return this.#fired(each, name, life)
    life.ids.push(each.n)
    this.#came(each, name)
    const { item } = this.#items.get(each.n)!
    const { timer, deletes } = item
    if (timer !== undefined) {
      if (timer.inMs === undefined) life.timers.delete(timer.id ?? '')
      else life.timers.set(timer.id ?? '', each.n)
    }
    if (!deletes || !isKept(each.kind)) return
    this.#lives.delete(name)
    this.#stateOf(name).push(null)
  }

  #came({ n }: Done, name: string): void {
    const { lane } = this.#items.get(n)!
    this.#seen.set(`${name} ${n}`, (this.#seen.get(`${name} ${n}`) ?? 0) + 1)
    const before = this.#latest.get(`${name} ${lane}`) ?? -1
    if (n < before && !this.#isLifted) this.#fault(name, `${n} after ${before} of lane ${lane}`)
    this.#latest.set(`${name} ${lane}`, n)
  }

  #closed({ ids = [] }: Done, name: string, life: Life): void {
    if (ids.join() !== life.ids.join()) this.#fault(name, `closed with ${ids.join()} and not ${life.ids.join()}`)
    if (life.place === 0) this.#fault(name, 'closed without a turn')
    this.#lives.delete(name)
    this.#stateOf(name).push(null)
    // It is over: nothing may come after it.
    this.#seen.set(`${name} closed`, (this.#seen.get(`${name} closed`) ?? 0) + 1)
  }

  #fired({ n, id, atMs, dueMs = 0 }: Done, name: string, { timers }: Life): void {
    if (timers.get(id ?? '') !== n)
      this.#fault(name, `the timer of ${n} fired; set was that of ${timers.get(id ?? '')}`)
    if (atMs < dueMs) this.#fault(name, `the timer of ${n} fired ${dueMs - atMs} ms early`)
    timers.delete(id ?? '')
  }

  /** Sessions of a key are one object. */
  #takeOfSession(each: Done, name: string): void {
    const sessions = this.#sessions.get(name) ?? new Sessions(this.#isLifted)
    this.#sessions.set(name, sessions)
    const { what, n, ids = [], atMs, dueMs = 0 } = each
    let fault: string | undefined
    if (what === 'record') {
      this.#came(each, name)
      const { item, at } = this.#items.get(n)!
      fault = sessions.came(each, at, item)
    } else if (what === 'close') {
      for (const id of ids) this.#seen.set(`${name} ${id} closed`, (this.#seen.get(`${name} ${id} closed`) ?? 0) + 1)
      fault = sessions.closed(each)
    } else {
      if (atMs < dueMs) this.#fault(name, `the timer of ${n} fired ${dueMs - atMs} ms early`)
      fault = sessions.fired(each)
    }
    if (fault !== undefined) this.#fault(name, fault)
  }

  /** When all is done. `rows`: those published of each object; `states`: of objects that are there. */
  end(
    late: readonly LateLetter[],
    rows: ReadonlyMap<string, readonly (number | null)[]>,
    states: ReadonlyMap<string, number>,
    nowMs: number,
  ): readonly string[] {
    const missing = new Set(late.flatMap(({ kind, object, numbers }) => numbers.map((n) => `${kind} ${object} ${n}`)))
    for (const each of this.#dropped) if (each.startsWith('record ')) missing.add(each.slice('record '.length))
    const wanted = this.#wanted()
    for (const each of wanted) {
      const count = this.#seen.get(each) ?? 0
      if (count !== 1 && !(count === 0 && (missing.has(each) || this.#isOfMissing(each, missing))))
        this.faults.push(`${each}: ${count} times`)
    }
    for (const each of this.#seen.keys())
      if (!wanted.has(each) && !/ end \d+/.test(each)) this.faults.push(`${each}: not wanted`)
    for (const [name, { place, lastMs }] of this.#lives) {
      if (!isKept(name) || place === 0 || nowMs - lastMs < ttlMs) continue
      if (nowMs - lastMs < 1.2 * ttlMs && states.has(name)) continue
      this.#lives.delete(name)
      this.#stateOf(name).push(null)
    }
    for (const [name, { timers, place }] of this.#lives) {
      if (name.includes(' end ')) continue
      const due = [...timers.values()].filter((n) => !this.#dropped.has(`timer ${name} ${n}`))
      if (due.length > 0) this.#fault(name, `timers have not fired: ${due.join()}`)
      if (place > 0 && !isKept(name)) this.#fault(name, 'is not closed')
    }
    for (const [name, { open }] of this.#sessions)
      if (open.length > 0 && !name.includes(' end '))
        this.#fault(name, `sessions are not closed: ${open.map(({ ids }) => ids.join()).join('; ')}`)
    this.#lookAtRows(rows)
    this.#lookAtStates(states)
    return this.faults
  }

  /** A window of which no record was in time is not closed; a record that was not in time is in no session that is closed. */
  #isOfMissing(each: string, missing: ReadonlySet<string>): boolean {
    if (!each.endsWith(' closed')) return false
    const object = each.slice(0, -' closed'.length)
    if (missing.has(object)) return true
    const all = [...missing].filter((one) => one.startsWith(`${object} `))
    return all.length > 0 && ![...this.#seen.keys()].some((one) => one.startsWith(`${object} `))
  }

  #wanted(): ReadonlySet<string> {
    const wanted = new Set<string>()
    for (const { from, batch } of this.#sent) {
      for (const { n, key } of batch.items) {
        if (from === 'alone') {
          wanted.add(`alone ${key} ${n}`)
          continue
        }
        const start = Math.floor(batch.at / windowMs) * windowMs
        const objects = [
          `fixed ${key}|${start}|${start + windowMs}`,
          ...[start - windowMs, start].map((each) => `hopping ${key}|${each}|${each + 2 * windowMs}`),
        ]
        for (const each of [`plain ${key}`, `session ${key}`, ...objects]) wanted.add(`${each} ${n}`)
        for (const each of objects) wanted.add(`${each} closed`)
        wanted.add(`session ${key} ${n} closed`)
      }
    }
    return new Set([...wanted].filter((each) => !/ end \d+/.test(each)))
  }

  /** Each is what the object has been, in order, and the last what it is. */
  #lookAtRows(rows: ReadonlyMap<string, readonly (number | null)[]>): void {
    for (const [name, states] of this.#states) {
      if (!isPublished(name)) continue
      const found = rows.get(name) ?? []
      let at = -1
      for (const each of found) {
        at = states.indexOf(each, at + 1)
        if (at < 0) {
          this.#fault(name, `its rows are ${found.join()}, and its states ${states.join()}`)
          break
        }
      }
      if ((found.at(-1) ?? null) !== states.at(-1))
        this.#fault(name, `its last row is ${found.at(-1)}, and its state ${states.at(-1)}`)
    }
    for (const name of rows.keys()) if (!this.#states.has(name)) this.#fault(name, 'has rows and no turn')
  }

  #lookAtStates(states: ReadonlyMap<string, number>): void {
    const live = [...this.#lives].filter(([name, { place }]) => isKept(name) && place > 0 && !name.includes(' end '))
    const shown = (all: Iterable<readonly [string, number]>): string =>
      [...all]
        .map((each) => each.join('='))
        .sort()
        .join()
    const wanted = shown(live.map(([name, { place }]) => [name, place]))
    if (shown(states) !== wanted) this.faults.push(`states are ${shown(states)}, and not ${wanted}`)
  }

  #stateOf(name: string): (number | null)[] {
    // What is made and deleted within one commit is published as gone.
    const known = this.#states.get(name) ?? [null]
    this.#states.set(name, known)
    return known
  }

  #fault(name: string, what: string): void {
    this.faults.push(`${name}: ${what}`)
  }
}

const isKept = (name: string): boolean => name.startsWith('plain') || name.startsWith('alone')
const isPublished = (name: string): boolean => isKept(name) || name.startsWith('fixed')
