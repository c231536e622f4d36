import { Histogram, waitSeconds } from './histogram.js'

/** How often an object was in memory when it was needed, and how often the store was asked; counted up where it happens. */
export class CacheMeter {
  hits = 0
  misses = 0
}

/** What all local state of a process has come to: tasks come and go, and this goes on. */
export class StateMeter {
  /** Seconds, of committed changes written to the local store in one batch. */
  readonly flushes = new Histogram(waitSeconds)
  flushedObjects = 0
  /** By kind. */
  readonly caches = new Map<string, CacheMeter>()

  cache(kind: string): CacheMeter {
    let cache = this.caches.get(kind)
    if (cache === undefined) this.caches.set(kind, (cache = new CacheMeter()))
    return cache
  }
}
