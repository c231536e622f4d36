import { tooOld } from '../rules/age.js'
import type { World } from '../rules/world.js'
import { apply, foldOf, isCommitted, lastStableOffset, type Partition } from '../state/log.js'
import { same, type Change } from '../state/objects.js'
import type { Store } from '../state/task.js'
import { violated } from './violation.js'

/**
 * Rolled forward, a store that is young enough to be used must be what its changelog says. Not before: of what was overwritten later the
 * cleaner leaves nothing to be read, and a process may be taking over a task that has moved on already.
 */
export function check(world: World, task: number, store: Store): void {
  if (tooOld(world, store.at)) return
  const changelog = world.changelogs[task] as Partition<Change>
  const end = Math.max(store.offset, lastStableOffset(changelog))
  const rolled = new Map(store.data)
  for (let offset = store.offset; offset < end; offset++) {
    const entry = changelog.log[offset]
    if (isCommitted(entry)) apply(rolled, entry?.data as Change)
  }
  if (same(rolled, foldOf(changelog, end))) return
  violated(
    `the store of task ${task}, at offset ${store.offset}, does not become what its changelog says when rolled forward`,
  )
}
