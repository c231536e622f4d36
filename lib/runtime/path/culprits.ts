import type { MillraceError } from '../../core/errors.js'
import type { Due, DueTime } from '../../state/due.js'
import { objectOf, rowKind } from '../../turn/kept/row.js'

/** A record that was read, or something that was due, of which a broker refuses what is written for it. */
export interface Culprit {
  readonly task: number
  /** In the broker's words. */
  readonly error: MillraceError
  /** Its dead letter was refused as well: the next one says only where it was. */
  readonly brief: boolean
}

/** As messages name a record. */
export function recordName(topic: string, partition: number, offset: number): string {
  return `${topic}[${partition}]@${offset}`
}

export function dueName(task: number, time: DueTime, { dueMs, kind, key }: Due): string {
  const object = kind === rowKind ? objectOf(key) : undefined
  const what = object === undefined ? `the end of ${kind} '${key}'` : `what waits for ${object.kind} '${object.key}'`
  return `${what}, due at ${dueMs} by ${time} time in task ${task}`
}

/**
 * Which ones they are, by name, until a commit has been made without what was refused. In memory only: after a crash they are
 * found again.
 */
export class Culprits {
  readonly #all = new Map<string, Culprit>()
  #passed: string[] = []

  /** Asked before anything else is: nearly always there are none. */
  get none(): boolean {
    return this.#all.size === 0
  }

  get(name: string): Culprit | undefined {
    return this.#all.get(name)
  }

  /** The same, when its turn has come: it is one no more once the commit under construction has been made. */
  pass(name: string): Culprit | undefined {
    const culprit = this.#all.get(name)
    if (culprit !== undefined) this.#passed.push(name)
    return culprit
  }

  add(name: string, culprit: Culprit): void {
    this.#all.set(name, culprit)
  }

  committed(): void {
    for (const name of this.#passed.splice(0)) this.#all.delete(name)
  }

  undone(): void {
    this.#passed = []
  }

  /** Those of other tasks are for their owners to find. */
  keepOf(tasks: ReadonlySet<number>): void {
    for (const [name, { task }] of this.#all) if (!tasks.has(task)) this.#all.delete(name)
  }
}
