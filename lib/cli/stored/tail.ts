import { PositionMap } from '../../core/record.js'
import { loadCompressions } from '../../log/compression/compression.js'
import { recordCursor } from '../../log/cursor.js'
import type { LogPort } from '../../log/port.js'
import { objectAt, type StoredObject } from './changelogs.js'
import type { Extent } from '../../log/client/extents.js'

const maxBytes = 1 << 20

/** Objects of a kind as they change from now on, until `signal` aborts. What one commit does to one comes once. */
export async function* changesFrom(
  log: LogPort,
  stretches: readonly Extent[],
  wanted: (key: string) => boolean,
  signal: AbortSignal,
): AsyncGenerator<readonly StoredObject[], void, undefined> {
  const at = new Map(stretches.map((stretch) => [stretch.partition, stretch]))
  await using fetcher = log.fetcher({ isolation: 'committed', purpose: 'live', maxBytes })
  fetcher.assign(PositionMap.of(stretches.map(({ topic, partition, end }) => [topic, partition, end] as const)).topics)
  while (!signal.aborted) {
    for (const fetched of await fetcher.next(signal)) {
      await loadCompressions(fetched.bytes)
      const cursor = recordCursor(fetched)
      const objects: StoredObject[] = []
      while (cursor.next()) {
        const object = objectAt(at.get(fetched.partition) as Extent, cursor)
        if (object !== undefined && wanted(object.key)) objects.push(object)
      }
      if (objects.length > 0) yield objects
    }
  }
}
