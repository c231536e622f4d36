import { createApp, topic, type App, type Log } from 'millrace'
import { partitions, type FailoverTopics } from './program.js'
import { wallClock } from './wall-clock.js'

/** Records that become visible within this time came together. */
const togetherMs = 2

/** Since when a task's output comes from whom. */
export interface Owner {
  readonly by: string
  readonly from: number
}

/** Reads the updates as anybody would (read_committed): when each task was heard, who made the update, and whether it was the next of its key. */
export class Observer {
  readonly arrivals: number[][] = Array.from({ length: partitions }, () => [])
  readonly owners: Owner[][] = Array.from({ length: partitions }, () => [])
  /** Updates per arrival. */
  readonly #sizes: number[][] = Array.from({ length: partitions }, () => [])
  readonly #counts = new Map<string, number>()
  readonly #app: App
  /** The first update that was not the next of its key. */
  violation: string | undefined

  constructor(log: Log, id: string, { updates }: FailoverTopics) {
    // A second app; its filter lets nothing through.
    const heard = updates.filter(({ n, by }, { key, partition }) => {
      this.#heard(partition, key ?? '', n, by)
      return false
    })
    const nowhere = topic(`${id}-none`, updates.codec, { partitions })
    this.#app = createApp({
      id: `${id}-observer`,
      flows: [heard.to(nowhere)],
      log,
      createTopics: true,
      commitInterval: 1_000,
    })
  }

  start(): Promise<void> {
    return this.#app.start()
  }

  close(): Promise<void> {
    return this.#app.close()
  }

  countOf(key: string): number {
    return this.#counts.get(key) ?? 0
  }

  ownerOf(task: number): string | undefined {
    return this.owners[task]?.at(-1)?.by
  }

  /** Who made updates of a task from then on, in order. */
  ownersSince(task: number, at: number): readonly Owner[] {
    const all = this.owners[task]!
    return all.filter((_, i) => (all[i + 1]?.from ?? Infinity) > at)
  }

  /** Updates of a task that became visible between two times. */
  updatesOf(task: number, from: number, to: number): number {
    const sizes = this.#sizes[task]!
    return this.arrivals[task]!.reduce((sum, at, i) => (at >= from && at < to ? sum + sizes[i]! : sum), 0)
  }

  #heard(task: number, key: string, n: number, by: string): void {
    const now = wallClock()
    const arrivals = this.arrivals[task]!
    const sizes = this.#sizes[task]!
    if (now - (arrivals.at(-1) ?? -Infinity) > togetherMs) {
      arrivals.push(now)
      sizes.push(0)
    }
    sizes[sizes.length - 1]!++
    if (this.ownerOf(task) !== by) this.owners[task]!.push({ by, from: now })
    const expected = this.countOf(key) + 1
    if (n !== expected) this.violation ??= `update ${n} of ${key} by ${by} came where ${expected} was due`
    this.#counts.set(key, n)
  }
}
