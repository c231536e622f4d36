import type { LogPort } from '../../log/port.js'
import { lastOffsets, type Scan } from './changelogs.js'
import type { Extent } from '../../log/client/extents.js'

/** Where an object is. */
export interface FoundKey {
  readonly key: string
  readonly task: number
  readonly offset: number
}

export interface KeyRange {
  readonly prefix: string
  /** Those behind it. */
  readonly after: string | undefined
  readonly limit: number
}

/** The first keys of a kind, in order. In memory are those of one partition. */
export async function firstKeys(
  log: LogPort,
  stretches: readonly Extent[],
  { prefix, after, limit }: KeyRange,
  scan: Scan,
): Promise<readonly FoundKey[]> {
  const wanted = (key: string): boolean => key.startsWith(prefix) && (after === undefined || key > after)
  let first: FoundKey[] = []
  for (const stretch of stretches) {
    const last = await lastOffsets(log, stretch, wanted, scan)
    const found = [...last].map(([key, offset]) => ({ key, task: stretch.partition, offset }))
    first = [...first, ...found].sort((a, b) => (a.key < b.key ? -1 : 1)).slice(0, limit)
  }
  return first
}
