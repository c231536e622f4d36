import { latin1Text, utf8Text } from '../../core/bytes.js'
import { MillraceError, reasonOf } from '../../core/errors.js'
import type { Offset } from '../../core/record.js'
import type { LogPort } from '../../log/port.js'
import { metaKey, readMeta } from '../../state/meta.js'
import { isStandingKey } from '../../state/standing.js'
import { withVersion } from '../../state/state-version.js'
import type { HeldStores, StoppedStore } from '../../store/level/held-stores.js'
import type { Store } from '../../store/store.js'
import { objectAt, type Scan, type StoredObject } from '../stored/changelogs.js'
import type { Extent } from '../../log/client/extents.js'
import { answersIn } from '../stored/scan.js'
import type { Findings } from './findings.js'

/** The changelog of a kind, and the id of its topic. */
export interface VerifiedKind {
  /** Under which the store has it. */
  readonly name: string
  readonly stretches: readonly Extent[]
  readonly topicId: string
}

/** Compares every object of every store with its changelog, and the other way round. */
export async function verifyStores(
  log: LogPort,
  held: HeldStores,
  kinds: readonly VerifiedKind[],
  findings: Findings,
  scan: Scan,
): Promise<void> {
  for (const stopped of held.stores) {
    let store: Store
    try {
      store = await held.open(stopped)
    } catch (error) {
      if (!MillraceError.is(error)) throw error
      const damage = { in: 'store', kind: '', key: '', is: 'unreadable', where: stopped.path } as const
      findings.differs({ ...damage, found: reasonOf(error) })
      continue
    }
    try {
      for (const kind of kinds) await verifyStore(log, store, stopped, kind, findings, scan)
    } finally {
      await store.close()
    }
  }
}

async function verifyStore(
  log: LogPort,
  store: Store,
  { task, path }: StoppedStore,
  { name, stretches, topicId }: VerifiedKind,
  findings: Findings,
  scan: Scan,
): Promise<void> {
  const stretch = stretches.find(({ partition }) => partition === task)
  if (stretch === undefined) return findings.note(`${path}: the app has no task ${task}`)
  const known = readMeta(store.get(metaKey))?.changelogs[stretch.topic]
  if (known?.topicId !== topicId) {
    const why = known === undefined ? 'it knows nothing of it' : 'it is of a topic of that name that was deleted'
    return findings.note(
      `${path}: not compared with ${stretch.topic}: ${why}. The app removes such a store when it starts.`,
    )
  }
  const { last, newest } = await lastOf(log, stretch, scan)
  const isAtEnd = newest < known.offset
  const place = { in: 'store', kind: name, where: path } as const
  let behind = 0
  for await (const records of answersIn(log, stretch, scan.signal)) {
    for (const cursor of records) {
      const object = objectAt(stretch, cursor)
      if (object === undefined || last.get(object.key) !== object.offset) continue
      if (object.offset >= known.offset) {
        behind++
        continue
      }
      const stored = store.get(`${name}\0${object.key}`)
      if (isStored(object, stored)) findings.agrees('store')
      else {
        const is = stored === undefined ? 'missing' : 'other'
        findings.differs({ ...place, key: object.key, is, expected: textOf(object), found: stored })
      }
    }
  }
  for await (const [storeKey, stored] of store.entries({ from: `${name}\0`, to: `${name}\u0001` })) {
    const key = storeKey.slice(name.length + 1)
    if (last.has(key)) continue
    // It may have been deleted since.
    if (isAtEnd) findings.differs({ ...place, key, is: 'extra', found: stored })
    else behind++
  }
  findings.isBehind(behind)
}

/** The last record of each object that is there, and of all. */
async function lastOf(
  log: LogPort,
  stretch: Extent,
  { signal, onRead }: Scan,
): Promise<{ readonly last: ReadonlyMap<string, Offset>; readonly newest: Offset }> {
  const last = new Map<string, Offset>()
  let newest = -1
  for await (const records of answersIn(log, stretch, signal)) {
    for (const cursor of records) {
      const key = cursor.keyStart < 0 ? undefined : utf8Text(cursor.bytes, cursor.keyStart, cursor.keyEnd)
      if (key === undefined || isStandingKey(key)) continue
      newest = cursor.offset
      if (cursor.valueStart < 0) last.delete(key)
      else last.set(key, cursor.offset)
    }
    onRead(`${stretch.topic}[${stretch.partition}]: ${newest} of ${stretch.end}`)
  }
  return { last, newest }
}

/** Text formats are stored as text, others a character for each byte; which it is only a program knows, and both cannot be. */
function isStored({ version, bytes }: StoredObject, stored: string | undefined): boolean {
  if (stored === undefined || bytes === null) return false
  return (
    stored === withVersion(version, utf8Text(bytes, 0, bytes.length)) ||
    stored === withVersion(version, latin1Text(bytes, 0, bytes.length))
  )
}

const textOf = ({ bytes }: StoredObject): string => (bytes === null ? '' : utf8Text(bytes, 0, bytes.length))
