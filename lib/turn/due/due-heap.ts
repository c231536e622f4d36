import type { Due } from '../../state/due.js'

/** Stale entries that are borne before the heap is made anew; more when it is large. */
const fewStale = 64

/**
 * What is due first, of each object once: whoever takes an object out looks at it, and puts it back for what it is due for
 * next. So a timer that is set again and again takes the room of one. An object that is due earlier than it was leaves a
 * stale entry behind; when those are more than the others they are thrown out.
 */
export class DueHeap {
  #heap: Due[] = []
  /** By kind and key: what is not stale. */
  readonly #live = new Map<string, Map<string, Due>>()
  #objects = 0

  /** Entries, stale ones included. */
  get size(): number {
    return this.#heap.length
  }

  /** An object is due; of no effect when it is in here for an earlier time. */
  add(due: Due): void {
    let ofKind = this.#live.get(due.kind)
    if (ofKind === undefined) this.#live.set(due.kind, (ofKind = new Map()))
    const known = ofKind.get(due.key)
    if (known !== undefined && known.dueMs <= due.dueMs) return
    if (known === undefined) this.#objects++
    ofKind.set(due.key, due)
    push(this.#heap, due)
    if (this.#heap.length > 2 * this.#objects + fewStale) this.#dropStale()
  }

  /** How many objects are due by `now`: looks at those and their children only. */
  dueBy(now: number): number {
    let count = 0
    const at = [0]
    for (let i = at.pop(); i !== undefined; i = at.pop()) {
      const due = this.#heap[i]
      if (due === undefined || due.dueMs > now) continue
      if (this.#isLive(due)) count++
      at.push(2 * i + 1, 2 * i + 2)
    }
    return count
  }

  /** What is due first; it stays. */
  peek(): Due | undefined {
    while (this.#heap.length > 0 && !this.#isLive(this.#heap[0] as Due)) pop(this.#heap)
    return this.#heap[0]
  }

  take(): Due | undefined {
    const first = this.peek()
    if (first === undefined) return undefined
    this.#live.get(first.kind)?.delete(first.key)
    this.#objects--
    return pop(this.#heap)
  }

  clear(): void {
    this.#heap = []
    this.#live.clear()
    this.#objects = 0
  }

  #isLive(due: Due): boolean {
    return this.#live.get(due.kind)?.get(due.key) === due
  }

  /** What is sorted is a heap. */
  #dropStale(): void {
    this.#heap = this.#heap.filter((due) => this.#isLive(due)).sort((one, other) => one.dueMs - other.dueMs)
  }
}

function push(heap: Due[], due: Due): void {
  let at = heap.length
  heap.push(due)
  while (at > 0) {
    const parent = (at - 1) >> 1
    if ((heap[parent] as Due).dueMs <= due.dueMs) break
    heap[at] = heap[parent] as Due
    at = parent
  }
  heap[at] = due
}

function pop(heap: Due[]): Due {
  const first = heap[0] as Due
  const last = heap.pop() as Due
  if (heap.length === 0) return first
  let at = 0
  for (let child = 1; child < heap.length; child = 2 * at + 1) {
    if (child + 1 < heap.length && (heap[child + 1] as Due).dueMs < (heap[child] as Due).dueMs) child++
    if (last.dueMs <= (heap[child] as Due).dueMs) break
    heap[at] = heap[child] as Due
    at = child
  }
  heap[at] = last
  return first
}
